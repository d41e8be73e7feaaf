import { performance as hostPerformance } from 'node:perf_hooks';

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Where a breaker reads time. Decisions use the monotonic clock alone; wall time is for telemetry and expiries. */
export interface Clock {
  /** Milliseconds that never go back, from any origin. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. */
  wallMs(): number;
  /**
   * Monotonic ms that all threads of the process read alike. A clock without it is taken to be such a clock itself; only
   * breakers that threads share are asked for it.
   */
  processMs?(): number;
  /** Calls `run` once after `delayMs`. It must not keep the process alive. */
  timer(delayMs: number, run: () => void): Timer;
}

/** The longest delay that Node.js timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const HostDate = Date;

export const systemClock: Clock = {
  // The global `performance` is looked up anew at each reading, which costs half as much again. Only where somebody has put
  // another Date in place, as the fake timers of test tools do, that one is asked: they fake both.
  monotonicMs: () => (Date === HostDate ? hostPerformance.now() : globalThis.performance.now()),
  wallMs: () => Date.now(),
  processMs: () => Number(process.hrtime.bigint()) / 1e6,
  timer(delayMs, run) {
    const handle = setTimeout(run, Math.min(delayMs, MAX_DELAY_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Monotonic ms that all threads of the process read alike. */
export function processMs(clock: Clock): number {
  return clock.processMs ? clock.processMs() : clock.monotonicMs();
}

/** Keeps the process alive until what it returns is called: for work that its caller waits for between two timers. */
export function stayAlive(): () => void {
  const handle = setInterval(() => {}, MAX_DELAY_MS);
  return () => clearInterval(handle);
}
