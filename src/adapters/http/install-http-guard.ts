import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { type ChooseBreaker, chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { guardRequest, wasSeen } from './guard-request.ts';
import {
  type ConnectOptions,
  connectOptionsOf,
  type OpenRequest,
  opened,
  type RequestTaker,
} from './node-internals.ts';

const CREATED = 'http.client.request.created';

/** The guard in force; there is one in a process. */
let inForce: { readonly choose: ChooseBreaker; readonly takeOff: () => void } | undefined;

/**
 * Puts breakers around all requests of node:http and node:https in this process, however their caller came by the module, and
 * of all clients on top of them. A second call puts its breakers in the place of the first one's.
 * @returns takes it off again; nothing where another guard is in force by then
 * @example installHttpGuard(({ host }) => (host === 'stock' ? stock : undefined));
 */
export function installHttpGuard(by: GuardedBy): () => void {
  const choose = chooserOf(by);
  const takeOff = inForce?.takeOff ?? patch();
  const guard = { choose, takeOff };
  inForce = guard;
  return () => {
    if (inForce !== guard) return;
    inForce = undefined;
    takeOff();
  };
}

function chooseInForce(...[call]: Parameters<ChooseBreaker>): ReturnType<ChooseBreaker> {
  return inForce?.choose(call);
}

function patch(): () => void {
  const agents = Agent.prototype as unknown as RequestTaker;
  const requests = ClientRequest.prototype as unknown as OpenRequest;
  const { addRequest } = agents;
  const { onSocket } = requests;

  /** Here all is known of a request, and it has no socket yet. */
  const guardedAdd = function (this: Agent, request: ClientRequest, options: ConnectOptions, ...legacy: unknown[]) {
    const where = connectOptionsOf(this, options);
    guardRequest(request, where, chooseInForce, () => addRequest.call(this, request, options, ...legacy));
  };
  /** The first that is seen of a request without an agent: it has been given a socket, and nothing was sent. */
  const guardedOnSocket = function (this: OpenRequest, socket: Socket | null, error?: Error): void {
    const request = this as unknown as ClientRequest;
    if (wasSeen(request)) {
      onSocket.call(this, socket, error);
      return;
    }
    let wasTaken = false;
    guardRequest(request, withoutAgent(request), chooseInForce, () => {
      wasTaken = true;
      onSocket.call(this, socket, error);
    });
    if (!wasTaken) socket?.destroy();
  };
  /** An agent that is none of node:http's has taken it, and will give it a socket later. */
  const onCreated = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest };
    if (!wasSeen(request)) guardRequest(request, withoutAgent(request), chooseInForce, () => {});
  };

  agents.addRequest = guardedAdd;
  requests.onSocket = guardedOnSocket;
  subscribe(CREATED, onCreated);
  return () => {
    // Where somebody has patched it since, what is left of it chooses no breaker.
    if (agents.addRequest === guardedAdd) agents.addRequest = addRequest;
    if (requests.onSocket === guardedOnSocket) requests.onSocket = onSocket;
    unsubscribe(CREATED, onCreated);
  };
}

/** As far as a request knows by itself where it goes. */
function withoutAgent(request: ClientRequest): ConnectOptions {
  const { host, protocol, socketPath } = opened(request);
  const given = String(request.getHeader('host') ?? '');
  const port = /:(\d+)$/.exec(given)?.[1];
  return { host, port: port ?? (protocol === 'https:' ? 443 : 80), socketPath };
}
