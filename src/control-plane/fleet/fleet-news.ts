import type { AgentIdentity } from '../ingest/observation.ts';
import type { FleetBreaker } from './breaker-view.ts';

export type ChangeListener = (service: string, breaker: string) => void;
export type FirstSeenListener = (agent: AgentIdentity, breaker: string, at: number) => void;
/** `goneSince` is when it was last heard of, in milliseconds since the epoch; null where it is back. */
export type GoneListener = (agent: AgentIdentity, breaker: string, goneSince: number | null) => void;

/** Gathers what changed while something is taken in, and tells it once afterwards, when the fleet is whole again. */
export class FleetNews {
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #firstSeenListeners = new Set<FirstSeenListener>();
  readonly #goneListeners = new Set<GoneListener>();
  readonly #changed = new Set<FleetBreaker>();
  readonly #firstSeen: { agent: AgentIdentity; breaker: string; at: number }[] = [];
  readonly #gone: { agent: AgentIdentity; breaker: string; since: number | null }[] = [];

  onChange(listener: ChangeListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onFirstSeen(listener: FirstSeenListener): () => void {
    this.#firstSeenListeners.add(listener);
    return () => this.#firstSeenListeners.delete(listener);
  }

  onGone(listener: GoneListener): () => void {
    this.#goneListeners.add(listener);
    return () => this.#goneListeners.delete(listener);
  }

  changed(breaker: FleetBreaker): void {
    this.#changed.add(breaker);
  }

  firstSeen(agent: AgentIdentity, breaker: string, at: number): void {
    this.#firstSeen.push({ agent, breaker, at });
  }

  gone(agent: AgentIdentity, breaker: string, since: number | null): void {
    this.#gone.push({ agent, breaker, since });
  }

  /** What is first seen is told before what changed. A listener may cause news itself; they are told within its call. */
  tell(): void {
    const firstSeen = this.#firstSeen.splice(0);
    const gone = this.#gone.splice(0);
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const { agent, breaker, at } of firstSeen)
      for (const listener of this.#firstSeenListeners) listener(agent, breaker, at);
    for (const { agent, breaker, since } of gone)
      for (const listener of this.#goneListeners) listener(agent, breaker, since);
    for (const { service, breaker } of changed)
      for (const listener of this.#changeListeners) listener(service, breaker);
  }
}
