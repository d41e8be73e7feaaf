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
