/** What the guarded function is given. */
export interface CallContext {
  /** Aborted when the call times out or its caller cancels it. */
  readonly signal: AbortSignal;
  /** 1 for a live call; replays out of a buffer count on. */
  readonly attempt: number;
  /**
   * The caller's, or else one that is made for this call. A replay has that of the call that was diverted: pass it on to
   * a dependency that does a thing once per key, since a call may be replayed more than once.
   */
  readonly idempotencyKey: string;
  /** When the call was diverted into the buffer that it is replayed from: wall time, ms; undefined for a live call. */
  readonly divertedAt: number | undefined;
}

/** What a call has of its own when it comes to the breaker; all of it is there for a replay. */
export interface CallOrigin {
  readonly idempotencyKey?: string | undefined;
  /** Wall time, ms. */
  readonly divertedAt?: number | undefined;
}
