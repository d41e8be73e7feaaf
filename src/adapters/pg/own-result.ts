import { type Breaker, BreakerOpenError, type CallContext, CallTimeoutError } from '@switchgear/breaker';

/**
 * `breaker.execute` for calls that no neutral wire can answer, such as a connection or a BEGIN: their caller gets what the call itself
 * came to. Where a wire would have answered for it all the same, the caller gets the BreakerOpenError.
 */
export async function ownResult<T>(breaker: Breaker, run: (context: CallContext) => Promise<T>): Promise<T> {
  let own: Promise<T> | undefined;
  try {
    await breaker.execute((context) => {
      own = run(context);
      return own;
    });
  } catch (error) {
    if (!own || error instanceof CallTimeoutError) throw error;
  }
  if (!own) throw new BreakerOpenError(breaker.name, null);
  return own;
}
