import type { Breaker } from './breaker.ts';
import type { CloseOptions } from './close-options.ts';
import type { SteeredBreaker } from './control/steered-breaker.ts';
import type { ReportedBreaker } from './foreign/reported-breaker.ts';
import { diagError } from './telemetry/isolated-observer.ts';

const breakers = new Map<string, Breaker>();
/** Breakers of other libraries, by name. */
const reported = new Map<string, ReportedBreaker>();
/** Groups of keyed breakers, by name. */
const groups = new Map<string, Closable>();
/** What a process that ends asks of a group. */
export interface Closable {
  close(options?: CloseOptions): Promise<void>;
}

type Listener<Heard = Breaker> = (breaker: Heard) => void;
const addedListeners = new Set<Listener>();
const removedListeners = new Set<Listener>();
const steeredAddedListeners = new Set<Listener<SteeredBreaker>>();
const steeredRemovedListeners = new Set<Listener<SteeredBreaker>>();
const redefinedListeners = new Set<Listener>();

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

/** Calls `listener` for each breaker of the process that is redefined from now on; returns what takes it off again. */
export function onBreakerRedefined(listener: Listener): () => void {
  redefinedListeners.add(listener);
  return () => redefinedListeners.delete(listener);
}

/** Its settings or its mode may be others now. */
export function tellRedefined(name: string): void {
  const breaker = breakers.get(name);
  if (breaker) tell(redefinedListeners, breaker);
}

/** The breakers of other libraries that report as this one's, in the order they were bridged. */
export function allReportedBreakers(): readonly ReportedBreaker[] {
  return [...reported.values()];
}

/** What the control plane steers: the breakers of this process, of this library and of others. */
export function allSteered(): readonly SteeredBreaker[] {
  return [...breakers.values(), ...reported.values()];
}

/** As `onBreakerAdded`, for the breakers of other libraries too. */
export function onSteeredAdded(listener: Listener<SteeredBreaker>): () => void {
  steeredAddedListeners.add(listener);
  return () => steeredAddedListeners.delete(listener);
}

/** As `onBreakerRemoved`, for the breakers of other libraries too. */
export function onSteeredRemoved(listener: Listener<SteeredBreaker>): () => void {
  steeredRemovedListeners.add(listener);
  return () => steeredRemovedListeners.delete(listener);
}

/** Whether a breaker, of whichever library, or a group has the name. */
export function isNameTaken(name: string): boolean {
  return breakers.has(name) || reported.has(name) || groups.has(name);
}

/** The groups of keyed breakers of this process, in the order they were made. */
export function allKeyedBreakers(): readonly Closable[] {
  return [...groups.values()];
}

/** The name must be free. */
export function addGroup(name: string, group: Closable): void {
  groups.set(name, group);
}

export function removeGroup(name: string): void {
  groups.delete(name);
}

/** The name must be free. */
export function addBreaker(breaker: Breaker): void {
  breakers.set(breaker.name, breaker);
  tell(addedListeners, breaker);
  tell(steeredAddedListeners, breaker);
}

export function removeBreaker(name: string): void {
  const breaker = breakers.get(name);
  if (!breaker) return;
  breakers.delete(name);
  tell(removedListeners, breaker);
  tell(steeredRemovedListeners, breaker);
}

/** The name must be free. */
export function addReported(breaker: ReportedBreaker): void {
  reported.set(breaker.name, breaker);
  tell(steeredAddedListeners, breaker);
}

export function removeReported(name: string): void {
  const breaker = reported.get(name);
  if (!breaker) return;
  reported.delete(name);
  tell(steeredRemovedListeners, breaker);
}

function tell<Heard extends { readonly name: string }>(listeners: ReadonlySet<Listener<Heard>>, breaker: Heard): void {
  for (const listener of listeners) {
    try {
      listener(breaker);
    } catch (error) {
      diagError(`A listener for breakers threw at breaker "${breaker.name}"`, error);
    }
  }
}
