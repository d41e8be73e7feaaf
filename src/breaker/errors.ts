/** The breaker did not let the call through and no neutral wire took it. */
export class BreakerOpenError extends Error {
  static {
    named(BreakerOpenError, 'BreakerOpenError');
  }
  readonly code = 'BREAKER_OPEN';
  readonly breaker: string;
  /** Milliseconds until the breaker lets a probe through; `null` where an operator holds it open. */
  readonly retryAfterMs: number | null;
  /** Why each neutral wire that was asked did not take the call, in the order asked. */
  readonly causes: readonly unknown[];

  constructor(breaker: string, retryAfterMs: number | null, causes: readonly unknown[] = []) {
    const when = retryAfterMs === null ? 'it is held open' : `it may be tried again in ${Math.ceil(retryAfterMs)} ms`;
    super(`Breaker "${breaker}" is open; ${when}`, causes.length > 0 ? { cause: causes[0] } : undefined);
    this.breaker = breaker;
    this.retryAfterMs = retryAfterMs;
    this.causes = causes;
  }
}

/** The breaker's concurrency limit was full and no neutral wire took the call. It is no failure of the dependency. */
export class BreakerLimitError extends Error {
  static {
    named(BreakerLimitError, 'BreakerLimitError');
  }
  readonly code = 'BREAKER_LIMITED';
  readonly breaker: string;
  /** Calls that may be in flight at a time. */
  readonly limit: number;
  /** Why each neutral wire that was asked did not take the call, in the order asked. */
  readonly causes: readonly unknown[];

  constructor(breaker: string, limit: number, causes: readonly unknown[] = []) {
    const message = `Breaker "${breaker}" has ${limit} calls in flight already, its most`;
    super(message, causes.length > 0 ? { cause: causes[0] } : undefined);
    this.breaker = breaker;
    this.limit = limit;
    this.causes = causes;
  }
}

/** The call took longer than `timeoutMs`; its signal was aborted with this error as the reason. */
export class CallTimeoutError extends Error {
  static {
    named(CallTimeoutError, 'CallTimeoutError');
  }
  readonly code = 'BREAKER_TIMEOUT';
  readonly breaker: string;
  readonly timeoutMs: number;

  constructor(breaker: string, timeoutMs: number) {
    super(`A call through breaker "${breaker}" took longer than ${timeoutMs} ms`);
    this.breaker = breaker;
    this.timeoutMs = timeoutMs;
  }
}

/** A neutral wire could not take a call: it is full, or the call cannot be replayed. */
export class WireRefusedError extends Error {
  static {
    named(WireRefusedError, 'WireRefusedError');
  }
  readonly code = 'WIRE_REFUSED';
  readonly wire: string;
  /** The wire is not for calls like this one, which is no failure of the wire. */
  readonly declined: boolean;
  /** No further wire is to be asked, where each is asked only because the one before did not take the call. */
  readonly isFinal: boolean;

  constructor(wire: string, why: string, declined = false, isFinal = false) {
    super(`Neutral wire "${wire}" did not take the call: ${why}`);
    this.wire = wire;
    this.declined = declined;
    this.isFinal = isFinal;
  }
}

/** A neutral wire that answers later had not answered in time. What it answers after that is let go. */
export class WireTimeoutError extends Error {
  static {
    named(WireTimeoutError, 'WireTimeoutError');
  }
  readonly code = 'WIRE_TIMEOUT';
  readonly wire: string;
  readonly timeoutMs: number;

  constructor(wire: string, timeoutMs: number) {
    super(`Neutral wire "${wire}" took longer than ${timeoutMs} ms`);
    this.wire = wire;
    this.timeoutMs = timeoutMs;
  }
}

/** The breaker was closed for good with `close()` and takes no more calls. */
export class BreakerClosedDownError extends Error {
  static {
    named(BreakerClosedDownError, 'BreakerClosedDownError');
  }
  readonly code = 'BREAKER_SHUT_DOWN';
  readonly breaker: string;

  constructor(breaker: string) {
    super(`Breaker "${breaker}" was shut down with close()`);
    this.breaker = breaker;
  }
}

/**
 * Makes an error without its stack, which costs ten times as much as all the rest of a rejection: an open breaker must be
 * cheap, and its error tells by its fields where it comes from.
 */
export function stackless<Made extends Error>(make: () => Made): Made {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Names a class of errors once, so that the head of a stack has it too, which is written before a constructor could. */
function named(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}
