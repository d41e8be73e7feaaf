import express, { type Request, type Response, Router } from 'express';
import { HttpProblem } from '../http/problem.ts';
import type { AgentSession, AgentSessions } from './agent-sessions.ts';
import type { HeldPolls } from './held-polls.ts';
import { jsonCodec } from './json-codec.ts';
import type { OpampCodec } from './messages.ts';
import { protobufCodec } from './protobuf-codec.ts';

export interface OpampRouterOptions {
  readonly sessions: AgentSessions;
  readonly polls: HeldPolls;
  /** Stores what the message brought that must outlive the process; called before the answer. */
  readonly persist: () => Promise<void>;
  /** Largest body in bytes, before and after decompression. Default 4 MiB. */
  readonly maxBytes?: number;
  /** Longest a poll is held, in seconds. Default 55, below the 60 s after which proxies commonly give up. */
  readonly maxWaitSeconds?: number;
}

const MAX_WAIT_SECONDS = 55;

const CODECS: readonly OpampCodec[] = [jsonCodec, protobufCodec];

/**
 * OpAMP over plain HTTP: POST / relative to its mount point. It has no authentication of its own. `Prefer: wait=25` holds
 * the answer until the desired state differs from what the agent reports to hold.
 */
export function opampRouter(options: OpampRouterOptions): Router {
  const router = Router();
  const body = express.raw({ type: () => true, limit: options.maxBytes ?? 4 * 1024 * 1024 });
  router.post('/', requireCodec, body, async (request, response) => {
    const codec = codecOf(request)!;
    const bytes: unknown = request.body;
    const message = codec.decode(bytes instanceof Uint8Array ? bytes : new Uint8Array());
    const session = options.sessions.receive(message);
    await options.persist();
    // A newer message of the same agent ends its older poll, whether it wants to wait itself or not.
    options.polls.release(session.uid, 'superseded');
    if (!message.agentDisconnect) await holdWhileQuiet(options, request, response, session);
    if (response.destroyed) return;
    response.type(codec.contentType).send(codec.encode(options.sessions.reply(session)));
  });
  return router;
}

function requireCodec(request: Request, _response: Response, next: () => void): void {
  if (!codecOf(request)) throw unsupportedType(request);
  next();
}

function unsupportedType(request: Request): HttpProblem {
  return new HttpProblem(415, 'The body must be application/json or application/x-protobuf.', [
    {
      field: 'Content-Type',
      rule: 'must be application/json or application/x-protobuf',
      value: request.headers['content-type'],
    },
  ]);
}

function codecOf(request: Request): OpampCodec | undefined {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return CODECS.find(({ contentType }) => contentType === type);
}

async function holdWhileQuiet(
  { sessions, polls, maxWaitSeconds = MAX_WAIT_SECONDS }: OpampRouterOptions,
  request: Request,
  response: Response,
  session: AgentSession,
): Promise<void> {
  const seconds = Math.min(waitSeconds(request), maxWaitSeconds);
  if (seconds === 0 || sessions.hasNews(session) || !session.agent) return;
  const gone = new AbortController();
  const onClose = () => gone.abort();
  response.once('close', onClose);
  const held = polls.hold({
    agent: session.uid,
    service: session.agent.service,
    waitMs: seconds * 1_000,
    hasNews: () => sessions.hasNews(session),
    disconnected: gone.signal,
  });
  if (!held) {
    response.set('Retry-After', '5');
    throw new HttpProblem(503, 'Too many agents wait for a change; poll again later.');
  }
  response.set('Preference-Applied', `wait=${seconds}`);
  await held;
  response.off('close', onClose);
}

/** RFC 7240: `wait` in seconds; 0 where it is absent or unreadable, since a preference is never an error. */
function waitSeconds(request: Request): number {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?=$|[,;\s])/i.exec(request.get('prefer') ?? '');
  return Number(match?.[1] ?? 0);
}
