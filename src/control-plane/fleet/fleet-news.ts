import type { AgentIdentity } from '../ingest/observation.ts';
import type { FleetBreaker } from './breaker-view.ts';

export type ChangeListener = (service: string, breaker: string) => void;
export type FirstSeenListener = (agent: AgentIdentity, breaker: string, at: number) => void;

/** Gathers what changed while something is taken in, and tells it once afterwards, when the fleet is whole again. */
export class FleetNews {
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #firstSeenListeners = new Set<FirstSeenListener>();
  readonly #changed = new Set<FleetBreaker>();
  readonly #firstSeen: { agent: AgentIdentity; breaker: string; at: number }[] = [];

  onChange(listener: ChangeListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onFirstSeen(listener: FirstSeenListener): () => void {
    this.#firstSeenListeners.add(listener);
    return () => this.#firstSeenListeners.delete(listener);
  }

  changed(breaker: FleetBreaker): void {
    this.#changed.add(breaker);
  }

  firstSeen(agent: AgentIdentity, breaker: string, at: number): void {
    this.#firstSeen.push({ agent, breaker, at });
  }

  /** What is first seen is told before what changed. A listener may cause news itself; they are told within its call. */
  tell(): void {
    const firstSeen = this.#firstSeen.splice(0);
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const { agent, breaker, at } of firstSeen)
      for (const listener of this.#firstSeenListeners) listener(agent, breaker, at);
    for (const { service, breaker } of changed)
      for (const listener of this.#changeListeners) listener(service, breaker);
  }
}
