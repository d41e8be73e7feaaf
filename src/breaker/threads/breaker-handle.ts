/** A breaker on its way to another thread of this process: for `workerData` or `postMessage`, and `attachBreaker` there. */
export interface BreakerHandle {
  readonly kind: 'switchgear.breaker-handle/v1';
  readonly name: string;
  /** State and counters. */
  readonly numbers: SharedArrayBuffer;
  readonly settings: SharedArrayBuffer;
  readonly wires: readonly { readonly name: string; readonly counters: SharedArrayBuffer }[];
  /** When the breaker was made, by the clock that all threads read alike, in ms. */
  readonly madeAt: number;
  /** The name of the BroadcastChannel on which its threads tell each other what was decided. */
  readonly channel: string;
}

export function isBreakerHandle(value: unknown): value is BreakerHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Partial<BreakerHandle>).kind === 'switchgear.breaker-handle/v1'
  );
}
