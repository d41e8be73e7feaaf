/** Thrown when something did not happen in time; its message says what was waited for and what was seen last. */
export class DeadlineError extends Error {
  readonly code = 'DEADLINE';

  constructor(what: string, afterMs: number, seen: string) {
    super(`${what}: not within ${afterMs} ms; seen last: ${seen}`);
    this.name = 'DeadlineError';
  }
}

export interface WaitOptions {
  /** Milliseconds before it gives up. Default 20,000. */
  readonly deadlineMs?: number;
  /** Milliseconds between two looks. Default 50. */
  readonly everyMs?: number;
  /** Ends the wait at once with its reason, for example when the process that is waited for has died. */
  readonly failure?: () => Error | undefined;
}

/**
 * Looks again and again until `look` returns something other than undefined, null or false; a look that throws is taken
 * as not yet. Real processes are waited for this way: no sleep guesses how long they take.
 * @throws DeadlineError after `deadlineMs`.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { deadlineMs = 20_000, everyMs = 50, failure = () => undefined }: WaitOptions = {},
): Promise<T> {
  const endsAt = performance.now() + deadlineMs;
  let seen = 'nothing';
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return found;
      seen = String(found);
    } catch (error) {
      seen =
        error instanceof Error ? `${error.message}${error.cause ? ` (${String(error.cause)})` : ''}` : String(error);
    }
    const failed = failure();
    if (failed) throw failed;
    if (performance.now() >= endsAt) throw new DeadlineError(what, deadlineMs, seen);
    await new Promise((resume) => setTimeout(resume, everyMs));
  }
}
