import type { Breaker } from './breaker.ts';
import { diagError } from './telemetry/isolated-observer.ts';

const breakers = new Map<string, Breaker>();
/** Names of groups of keyed breakers. */
const groups = new Set<string>();
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

/** Whether a breaker or a group has the name. */
export function isNameTaken(name: string): boolean {
  return breakers.has(name) || groups.has(name);
}

export function takeGroupName(name: string): void {
  groups.add(name);
}

export function freeGroupName(name: string): void {
  groups.delete(name);
}

/** The name must be free. */
export function addBreaker(breaker: Breaker): void {
  breakers.set(breaker.name, breaker);
  tell(addedListeners, breaker);
}

export function removeBreaker(name: string): void {
  const breaker = breakers.get(name);
  if (!breaker) return;
  breakers.delete(name);
  tell(removedListeners, breaker);
}

function tell(listeners: ReadonlySet<Listener>, breaker: Breaker): void {
  for (const listener of listeners) {
    try {
      listener(breaker);
    } catch (error) {
      diagError(`A listener for breakers threw at breaker "${breaker.name}"`, error);
    }
  }
}
