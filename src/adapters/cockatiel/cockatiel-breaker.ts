type Listen<Told> = (listener: (told: Told) => void) => { dispose(): void };

/** Why a call failed: what it threw, or a result that is judged as a failure. */
export type CockatielReason = { readonly error: unknown } | { readonly value: unknown };

export interface CockatielFailure {
  readonly duration: number;
  /** The policy goes by it; other errors pass unjudged. */
  readonly handled: boolean;
  readonly reason: CockatielReason;
}

/** What a bridge needs of a `CircuitBreakerPolicy` of cockatiel 3.2 to 4. */
export interface CockatielBreaker {
  /** A `CircuitState`. */
  readonly state: number;
  readonly onSuccess: Listen<{ readonly duration: number }>;
  readonly onFailure: Listen<CockatielFailure>;
  readonly onBreak: Listen<CockatielReason | { readonly isolated: true } | undefined>;
  readonly onStateChange: Listen<number>;
  isolate(): { dispose(): void };
}

/** What its types do not show. */
export interface CockatielInside {
  execute(fn: (context: unknown) => unknown, signal?: AbortSignal): Promise<unknown>;
  readonly options?: {
    readonly halfOpenAfter?: unknown;
    readonly halfOpenSampling?: { readonly calls?: number };
    readonly breaker?: unknown;
  };
}
