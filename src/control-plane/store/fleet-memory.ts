import type { AgentIdentity } from '../ingest/observation.ts';
import type { GoneMark, KnownBreaker, Store } from './store.ts';

/** Keeps which breakers exist, so that a restarted control plane still knows those it has not heard of again. */
export class FleetMemory {
  readonly #store: Store;
  /** First seen and not yet stored; `flush` runs before each acknowledgement, so one request's worth at most. */
  #waiting: KnownBreaker[] = [];
  /** The newest mark of each breaker on each instance that is not stored yet: as many as the fleet has at most. */
  #marks = new Map<string, GoneMark>();
  readonly #touched = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  firstSeen(agent: AgentIdentity, breaker: string, at: number): void {
    this.#waiting.push({ agent, breaker, lastSeenAt: at, gone: false });
  }

  gone({ service, instance }: AgentIdentity, breaker: string, goneSince: number | null): void {
    this.#marks.set(JSON.stringify([service, instance, breaker]), { service, instance, breaker, goneSince });
  }

  /** Stores what was seen for the first time, is gone or is back. What could not be stored is tried with the next flush. */
  async flush(): Promise<void> {
    const batch = this.#waiting;
    const marks = this.#marks;
    if (batch.length === 0 && marks.size === 0) return;
    this.#waiting = [];
    this.#marks = new Map();
    try {
      await this.#store.rememberBreakers(batch);
      await this.#store.markGone([...marks.values()]);
    } catch (error) {
      this.#waiting = [...batch, ...this.#waiting];
      this.#marks = new Map([...marks, ...this.#marks]);
      throw error;
    }
  }

  /** Stores when agents were last seen, for those that were seen since the last time. */
  async touch(agents: readonly { service: string; instance: string; lastSeenAt: string }[]): Promise<void> {
    const seen = agents.map(({ service, instance, lastSeenAt }) => ({ service, instance, at: Date.parse(lastSeenAt) }));
    const news = seen.filter(({ service, instance, at }) => this.#touched.get(`${service}\n${instance}`) !== at);
    await this.#store.touchAgents(news);
    this.#touched.clear();
    for (const { service, instance, at } of seen) this.#touched.set(`${service}\n${instance}`, at);
  }
}
