/** Why a held poll was let go. */
export type HoldEnd = 'changed' | 'elapsed' | 'superseded' | 'disconnected' | 'stopped';

export interface HoldRequest {
  /** The agent's instance UID in hex: an agent has one poll at a time, a newer one ends the older. */
  readonly agent: string;
  readonly service: string;
  readonly waitMs: number;
  /** Whether the held agent now has something to hear. */
  readonly hasNews: () => boolean;
  /** Aborts when the connection is gone. */
  readonly disconnected: AbortSignal;
}

interface Held {
  readonly request: HoldRequest;
  readonly end: (why: HoldEnd) => void;
}

/**
 * The responses that wait for a change of desired state. Each costs a socket, a timer and about 1 KiB, so the default
 * bound of 10,000 is about 10 MiB beside the sockets.
 */
export class HeldPolls {
  readonly #max: number;
  readonly #byAgent = new Map<string, Held>();
  readonly #byService = new Map<string, Set<Held>>();
  #stopped = false;

  constructor(options: { readonly max?: number } = {}) {
    this.#max = options.max ?? 10_000;
  }

  get size(): number {
    return this.#byAgent.size;
  }

  /** Resolves when the poll is to be answered; null where there is no room to hold it. */
  hold(request: HoldRequest): Promise<HoldEnd> | null {
    if (this.#stopped) return Promise.resolve('stopped');
    this.release(request.agent, 'superseded');
    if (this.#byAgent.size >= this.#max) return null;
    return new Promise((resolve) => {
      const timer = setTimeout(() => held.end('elapsed'), request.waitMs);
      const onDisconnect = () => held.end('disconnected');
      const held: Held = {
        request,
        end: (why) => {
          clearTimeout(timer);
          request.disconnected.removeEventListener('abort', onDisconnect);
          this.#remove(held);
          resolve(why);
        },
      };
      this.#byAgent.set(request.agent, held);
      const peers = this.#byService.get(request.service) ?? new Set();
      this.#byService.set(request.service, peers.add(held));
      request.disconnected.addEventListener('abort', onDisconnect);
      if (request.disconnected.aborted) held.end('disconnected');
    });
  }

  /** Lets go of those agents of a service that have something to hear. */
  wake(service: string): void {
    for (const held of [...(this.#byService.get(service) ?? [])]) {
      if (held.request.hasNews()) held.end('changed');
    }
  }

  release(agent: string, why: HoldEnd): void {
    this.#byAgent.get(agent)?.end(why);
  }

  /** Lets go of all, and of every later one at once. */
  stop(): void {
    this.#stopped = true;
    for (const held of [...this.#byAgent.values()]) held.end('stopped');
  }

  #remove(held: Held): void {
    if (this.#byAgent.get(held.request.agent) === held) this.#byAgent.delete(held.request.agent);
    const peers = this.#byService.get(held.request.service);
    peers?.delete(held);
    if (peers?.size === 0) this.#byService.delete(held.request.service);
  }
}
