/** Something that a caller's signal ends. */
export interface Cancellable {
  cancel(): void;
}

const waiting = new WeakMap<AbortSignal, Set<Cancellable>>();

/**
 * Has `call` cancelled when its caller's signal aborts, until `stopWaiting`. However many calls wait for a signal, it has one
 * listener of ours: Node.js walks along all of them to add or to take off one, and a signal for a whole process has many.
 */
export function waitFor(signal: AbortSignal, call: Cancellable): void {
  const calls = waiting.get(signal);
  if (calls) {
    calls.add(call);
    return;
  }
  waiting.set(signal, new Set([call]));
  signal.addEventListener('abort', onAbort, { once: true });
}

/** The last call to go takes the listener with it: a signal may outlive all of them. */
export function stopWaiting(signal: AbortSignal, call: Cancellable): void {
  const calls = waiting.get(signal);
  if (!calls?.delete(call) || calls.size > 0) return;
  waiting.delete(signal);
  signal.removeEventListener('abort', onAbort);
}

function onAbort({ target }: Event): void {
  const signal = target as AbortSignal;
  const calls = waiting.get(signal);
  waiting.delete(signal);
  if (calls) for (const call of calls) call.cancel();
}
