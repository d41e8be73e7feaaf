import { randomBytes } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import {
  type Check,
  InvalidInputError,
  isRecord,
  OPAMP_REPORT_FULL_STATE,
  type OpampAgentToServer,
  type OpampRemoteConfigStatus,
  type OpampServerToAgent,
  object,
  text,
} from '@switchgear/conventions';
import { type Clock, systemClock } from '../clock.ts';
import { allSteered, onBreakerRedefined, onSteeredAdded, onSteeredRemoved } from '../registry.ts';
import { DesiredBreakers } from './desired-breakers.ts';
import { CAPABILITIES, describeAgent, desiredStateIn, inventoryOf, type ServiceIdentity } from './messages.ts';
import type { SteeredBreaker } from './steered-breaker.ts';
import { type PostResponse, post } from './transport.ts';

export interface ControlPlaneOptions {
  /** The control plane's address, such as `http://127.0.0.1:4390`. */
  readonly url: string;
  /** An agent token. */
  readonly token?: string | undefined;
  readonly service: ServiceIdentity;
  /** Hears of each kind of trouble once until it is over, as one line. Default: the OpenTelemetry `diag` logger. */
  readonly onProblem?: ((message: string) => void) | undefined;
  readonly clock?: Clock;
}

export interface ControlLink {
  /** The last exchange went well. */
  readonly connected: boolean;
  /** Says goodbye, for at most 2 s. The breakers stay as they are. */
  close(): Promise<void>;
}

/** Seconds the server may hold a poll. */
const WAIT_SECONDS = 25;
/** Milliseconds beyond that until an exchange is given up. */
const GRACE_MS = 10_000;
/** Changes within this many ms go up together. */
const COALESCE_MS = 50;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 30_000;
const GOODBYE_MS = 2_000;
/** Milliseconds between two polls of a server that answers them at once instead of holding them. */
const POLL_FLOOR_MS = 1_000;
/** Troubles remembered as told. About 200 bytes each. */
const MOST_TOLD = 100;

const address: Check = (value, field) =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? []
    : [{ field, rule: 'must be an http or https URL', value }];
const anything = () => [];
const word = text(1, 255);
const checkOptions = object(
  {
    url: address,
    service: object({ name: word, instanceId: word }, { namespace: word, version: word, environment: word }),
  },
  { token: text(1, 4_096), onProblem: anything, clock: anything },
);

/**
 * Links all breakers of this process, present and future, to a control plane: the inventory goes up, desired state comes
 * down. It polls outwards only and never keeps the process alive. Without the control plane, breakers keep the last
 * state they were given.
 * @throws InvalidInputError for an option that breaks its rule
 */
export function connectControlPlane(options: ControlPlaneOptions): ControlLink {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  const link = new Link(options);
  link.start();
  return link;
}

class Link implements ControlLink {
  readonly #endpoint: URL;
  readonly #options: ControlPlaneOptions;
  readonly #clock: Clock;
  readonly #desired = new DesiredBreakers();
  readonly #instanceUid = randomBytes(16).toString('base64');
  readonly #watched = new Map<SteeredBreaker, () => void>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #stop = new AbortController();
  /** Ends the poll that is held, or the wait between two, because something is to be told. */
  #interrupt = new AbortController();
  #sequence = 0;
  #mustDescribe = true;
  #changed = true;
  #status: OpampRemoteConfigStatus | undefined;
  #failures = 0;
  /** The troubles that were told and are not over. */
  readonly #told = new Set<string>();
  connected = false;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#endpoint = new URL('v1/opamp', options.url.endsWith('/') ? options.url : `${options.url}/`);
    this.#clock = options.clock ?? systemClock;
  }

  start(): void {
    for (const breaker of allSteered()) this.#watch(breaker);
    this.#unsubscribe.push(
      onSteeredAdded((breaker) => this.#watch(breaker)),
      onSteeredRemoved((breaker) => this.#unwatch(breaker)),
      onBreakerRedefined((breaker) => this.#takeAnew(breaker)),
    );
    void this.#run();
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#interrupt.abort();
    for (const off of [...this.#unsubscribe, ...this.#watched.values()]) off();
    const goodbye = { ...this.#header(), agentDescription: describeAgent(this.#options.service), agentDisconnect: {} };
    if (this.connected) await this.#send(goodbye, GOODBYE_MS, 0, new AbortController().signal).catch(() => undefined);
    this.connected = false;
  }

  #watch(breaker: SteeredBreaker): void {
    this.#watched.set(
      breaker,
      breaker.onTransition(() => this.#tell()),
    );
    for (const failure of this.#desired.applyTo(breaker)) this.#problem(`desired state not applied: ${failure}`);
    this.#tell();
  }

  #unwatch(breaker: SteeredBreaker): void {
    this.#watched.get(breaker)?.();
    this.#watched.delete(breaker);
    this.#tell();
  }

  /** Settings that could not be laid over its own may be good over the ones it has now. */
  #takeAnew(breaker: SteeredBreaker): void {
    if (this.#desired.applied(breaker.name)?.status === 'failed') this.#desired.applyTo(breaker);
    this.#tell();
  }

  #tell(): void {
    if (this.#changed) return;
    this.#changed = true;
    const interrupt = this.#interrupt;
    this.#clock.timer(COALESCE_MS, () => interrupt.abort());
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#interrupt = new AbortController();
      try {
        await this.#exchange();
        this.#failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        // An interrupted poll is no trouble: something is to be told, and the next message tells it.
        if (this.#interrupt.signal.aborted) continue;
        this.connected = false;
        this.#mustDescribe = true;
        this.#problem(`control plane at ${this.#endpoint.origin}: ${describe(error)}`);
        await this.#pause(retryDelayMs(this.#failures++), this.#stop.signal);
      }
    }
  }

  async #exchange(): Promise<void> {
    const began = this.#clock.monotonicMs();
    const describes = this.#mustDescribe;
    const changed = this.#changed || describes;
    this.#changed = false;
    const message: OpampAgentToServer = {
      ...this.#header(),
      ...(this.#mustDescribe && { agentDescription: describeAgent(this.#options.service), capabilities: CAPABILITIES }),
      ...(changed && { effectiveConfig: { configMap: inventoryOf(allSteered(), this.#desired) } }),
      ...(this.#status && { remoteConfigStatus: this.#status }),
    };
    // A message with news is answered at once, so that a lost answer never hides that the news arrived.
    const waitSeconds = changed ? 0 : WAIT_SECONDS;
    const timeoutMs = waitSeconds * 1_000 + GRACE_MS;
    const signal = changed ? this.#stop.signal : AbortSignal.any([this.#stop.signal, this.#interrupt.signal]);
    let response: PostResponse;
    try {
      response = await this.#send(message, timeoutMs, waitSeconds, signal);
    } catch (error) {
      this.#changed ||= changed;
      throw error;
    }
    if (response.status !== 200) {
      this.#changed ||= changed;
      throw new Error(`answered ${response.status} ${titleOf(response.body)}`);
    }
    this.#receive(readAnswer(response.body));
    const isNews = this.#changed || (this.#mustDescribe && !describes) || (changed && !this.#mustDescribe);
    const restMs = POLL_FLOOR_MS - (this.#clock.monotonicMs() - began);
    // Not every server holds a poll, and one that does not must not be asked in a busy loop.
    if (!isNews && restMs > 0) {
      await this.#pause(restMs, AbortSignal.any([this.#stop.signal, this.#interrupt.signal]));
    }
  }

  #receive(answer: OpampServerToAgent): void {
    this.connected = true;
    this.#mustDescribe = (Number(answer.flags ?? 0) & OPAMP_REPORT_FULL_STATE) !== 0;
    const hash = answer.remoteConfig?.configHash;
    if (hash === undefined) {
      this.#told.clear();
      return;
    }
    const failures = this.#apply(answer);
    this.#changed ||= hash !== this.#status?.lastRemoteConfigHash;
    this.#status = {
      lastRemoteConfigHash: hash,
      status: failures.length === 0 ? 'RemoteConfigStatuses_APPLIED' : 'RemoteConfigStatuses_FAILED',
      ...(failures.length > 0 && { errorMessage: failures.join('; ') }),
    };
    const problems = failures.map((failure) => `desired state not applied: ${failure}`);
    for (const told of this.#told) if (!problems.includes(told)) this.#told.delete(told);
    for (const problem of problems) this.#problem(problem);
  }

  #apply(answer: OpampServerToAgent): string[] {
    try {
      const read = desiredStateIn(answer);
      return read ? this.#desired.accept(read.desired, allSteered(), read.refused) : [];
    } catch (error) {
      // A document that breaks a rule changes nothing: the last good one stays in force.
      return [describe(error)];
    }
  }

  #header(): OpampAgentToServer {
    return { instanceUid: this.#instanceUid, sequenceNum: String(++this.#sequence) };
  }

  #send(
    message: OpampAgentToServer,
    timeoutMs: number,
    waitSeconds: number,
    signal: AbortSignal,
  ): Promise<PostResponse> {
    const { token } = this.#options;
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(waitSeconds > 0 && { prefer: `wait=${waitSeconds}` }),
      ...(token && { authorization: `Bearer ${token}` }),
    };
    return post({ url: this.#endpoint, headers, body: JSON.stringify(message), timeoutMs, signal });
  }

  #problem(message: string): void {
    if (this.#told.has(message)) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.add(message);
    const { onProblem } = this.#options;
    if (onProblem) onProblem(message);
    else diag.warn(message);
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#clock.timer(delayMs, end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }
}

/** Exponential backoff with equal jitter: half of the delay is random, so that a fleet does not come back at once. */
function retryDelayMs(failures: number): number {
  const delayMs = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.min(failures, 16));
  return delayMs / 2 + Math.random() * (delayMs / 2);
}

/** @throws where it is no JSON object */
function readAnswer(body: string): OpampServerToAgent {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new Error('answered 200 with what is no JSON');
  }
  if (!isRecord(answer)) throw new Error('answered 200 with what is no OpAMP message');
  return answer as unknown as OpampServerToAgent;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return `${error.message || error.name}${code}`;
}

/** The title of a problem document, where the answer is one. */
function titleOf(body: string): string {
  try {
    const { title, detail } = JSON.parse(body) as { title?: string; detail?: string };
    return detail ?? title ?? '';
  } catch {
    return '';
  }
}
