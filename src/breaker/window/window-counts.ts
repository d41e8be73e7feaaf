/** What a window holds of executed calls. */
export interface WindowCounts {
  /** Calls that were executed and judged: successes, failures and timeouts. */
  readonly executed: number;
  /** Failures and timeouts. */
  readonly failed: number;
  /** Slow calls, failed or not. */
  readonly slow: number;
  /** Failures and timeouts since the last success. */
  readonly consecutive: number;
}

/** What one ring of a window holds. */
export type RingCounts = Omit<WindowCounts, 'consecutive'>;

/** Where a window keeps its numbers. The array is replaced where the breaker comes to be shared. */
export interface WindowMemory {
  readonly words: Int32Array;
  /** First word of the ring of a count window. */
  readonly ring: number;
  /** Whether other threads may write to it. */
  readonly isShared: boolean;
}
