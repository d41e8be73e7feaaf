import { isNativeError } from 'node:util/types';
import type { BreakerReport } from '@switchgear/breaker';
import type { BreakerState, TransitionReason } from '@switchgear/conventions';
import type { OpossumBreaker, OpossumInside } from './opossum-breaker.ts';
import { TurnedAway } from './turned-away.ts';

export const FALLBACK = { name: 'fallback', kind: 'fallback' } as const;
export const CACHE = { name: 'cache', kind: 'cache' } as const;

/** What the listeners know of their bridge. */
export interface OpossumBridge {
  state(): BreakerState;
  /** Whether it is to stay open, whatever it would do by itself. */
  isHeldOpen(): boolean;
  onShutdown(): void;
}

/** A call that opossum ended itself: the event of its failure comes next, with the same error. */
interface Cut {
  readonly error: unknown;
  readonly by: 'timeout' | 'limit';
}

/** Tells what a breaker of opossum does. Returns what takes the listeners off. */
export function listenToOpossum(breaker: OpossumBreaker, report: BreakerReport, bridge: OpossumBridge): () => void {
  const turnedAway = new TurnedAway(report);
  let cut: Cut | undefined;
  // Why it opens or closes, if it does so before this turn is over.
  let opening: { readonly reason: TransitionReason; readonly note?: string } | undefined;
  let isProbe = false;

  const cutBy = (error: unknown): Cut['by'] | undefined => {
    const by = cut !== undefined && cut.error === error ? cut.by : undefined;
    cut = undefined;
    return by;
  };
  const stayOpen = (): boolean => {
    // It goes half-open by a timer that cannot be called off, and back again before any call can be made.
    if (bridge.isHeldOpen()) breaker.open();
    return bridge.isHeldOpen();
  };

  // Ahead of its own listener, which closes it, and of others', which may call it.
  const first = {
    success(result: unknown, durationMs: number): void {
      isProbe = breaker.halfOpen;
      const by = cutBy(result);
      if (by === 'limit') report.limited();
      // An error that its errorFilter let pass is told as a success.
      else if (by === 'timeout' || isError(result)) report.ignored();
      else report.succeeded(durationMs);
    },
    halfOpen(): void {
      if (!stayOpen()) report.state(bridge.state());
    },
    close(): void {
      const reason = isProbe ? 'probes_passed' : 'operator';
      isProbe = false;
      if (!stayOpen()) report.state(bridge.state(), reason);
    },
  };
  const after = {
    failure(error: unknown, durationMs: number): void {
      const tripped = isTripping(breaker);
      opening = tripped ? { reason: breaker.halfOpen ? 'probe_failed' : 'threshold' } : undefined;
      const by = cutBy(error);
      if (by === 'limit') turnedAway.add(error, 'limited');
      else if (by === 'timeout') report.timedOut(error, durationMs, { tripped });
      else report.failed(error, durationMs, { tripped });
    },
    timeout(error: unknown): void {
      cut = { error, by: 'timeout' };
    },
    semaphoreLocked(error: unknown): void {
      cut = { error, by: 'limit' };
    },
    reject(error: unknown): void {
      turnedAway.add(error, 'rejected');
    },
    fallback(_answer: unknown, error: unknown): void {
      if (!turnedAway.divert(error, FALLBACK.name)) report.served(FALLBACK.name);
    },
    cacheHit(): void {
      // While it is closed, a hit is no call that the breaker had to do with.
      if (breaker.opened) report.diverted(CACHE.name);
    },
    healthCheckFailed(): void {
      if (!breaker.opened) opening = { reason: 'operator', note: 'its health check failed' };
    },
    open(): void {
      report.state(bridge.state(), opening?.reason ?? 'operator', opening?.note);
      opening = undefined;
    },
    shutdown: () => bridge.onShutdown(),
  };

  for (const [event, listener] of Object.entries(first)) breaker.prependListener(event, listener);
  for (const [event, listener] of Object.entries(after)) breaker.on(event, listener);
  return () => {
    turnedAway.settle();
    for (const [event, listener] of Object.entries({ ...first, ...after })) breaker.off(event, listener);
  };
}

/** Whether the failure that is being told opens it: what opossum asks itself next, of the same numbers. */
function isTripping(breaker: OpossumBreaker & OpossumInside): boolean {
  const { enabled, opened, halfOpen, warmUp, volumeThreshold } = breaker;
  if (!enabled || opened || warmUp) return false;
  if (halfOpen) return true;
  let fires = 0;
  let failures = 0;
  for (const bucket of breaker.status.window) {
    fires += bucket?.fires ?? 0;
    failures += bucket?.failures ?? 0;
  }
  return fires >= volumeThreshold && (failures / fires) * 100 > (breaker.options?.errorThresholdPercentage ?? 100);
}

/** Of this realm or another. */
function isError(value: unknown): boolean {
  return value instanceof Error || isNativeError(value);
}
