import type { Breaker, CallContext } from '@switchgear/breaker';

/**
 * The signal by which a breaker ends a call that it has let through; undefined where it will not: it has no `timeoutMs`, and the call
 * is no probe, which has a deadline of its own. Asked for as the call is sent. A signal that nobody asks for costs nothing.
 */
export function deadlineOf(breaker: Breaker, context: CallContext): AbortSignal | undefined {
  return breaker.settings.timeoutMs !== null || breaker.state === 'half_open' ? context.signal : undefined;
}
