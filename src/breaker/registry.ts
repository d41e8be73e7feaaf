import type { Breaker } from './breaker.ts';

const breakers = new Map<string, Breaker>();
type Listener = (breaker: Breaker) => void;
const addedListeners = new Set<Listener>();
const removedListeners = new Set<Listener>();

/** The breakers of this process, by name, in the order they were made. */
export function allBreakers(): readonly Breaker[] {
  return [...breakers.values()];
}

export function findBreaker(name: string): Breaker | undefined {
  return breakers.get(name);
}

/** Calls `listener` for each breaker made from now on; returns what takes it off again. */
export function onBreakerAdded(listener: Listener): () => void {
  addedListeners.add(listener);
  return () => addedListeners.delete(listener);
}

/** Calls `listener` for each breaker that is closed down from now on; returns what takes it off again. */
export function onBreakerRemoved(listener: Listener): () => void {
  removedListeners.add(listener);
  return () => removedListeners.delete(listener);
}

/** The name must be free. */
export function addBreaker(breaker: Breaker): void {
  breakers.set(breaker.name, breaker);
  for (const listener of addedListeners) listener(breaker);
}

export function removeBreaker(name: string): void {
  const breaker = breakers.get(name);
  if (!breaker) return;
  breakers.delete(name);
  for (const listener of removedListeners) listener(breaker);
}
