import type { BreakerReport } from '@switchgear/breaker';
import type { CockatielBreaker, CockatielFailure } from './cockatiel-breaker.ts';

type Cause = Parameters<Parameters<CockatielBreaker['onBreak']>[0]>[0];

/**
 * Failures that cockatiel has told and not judged yet, which it does in the next turn of the microtasks: only then is it
 * known which one tripped the breaker. Empty between two turns.
 */
export class ToldFailures {
  readonly #report: BreakerReport;
  #failures: CockatielFailure[] = [];

  constructor(report: BreakerReport) {
    this.#report = report;
  }

  add(failure: CockatielFailure): void {
    if (this.#failures.length === 0) queueMicrotask(() => queueMicrotask(() => this.settle(undefined)));
    this.#failures.push(failure);
  }

  /** @param cause why the breaker opens; undefined where it does not */
  settle(cause: Cause): void {
    const failures = this.#failures;
    this.#failures = [];
    for (const failure of failures) this.#tell(failure, isCause(failure, cause));
  }

  #tell({ reason, duration }: CockatielFailure, tripped: boolean): void {
    const error = 'error' in reason ? reason.error : undefined;
    if (isTimeout(error)) this.#report.timedOut(error, duration, { tripped });
    else this.#report.failed(error, duration, { tripped });
  }
}

function isCause({ reason }: CockatielFailure, cause: Cause): boolean {
  if (cause === undefined || 'isolated' in cause) return false;
  if ('error' in reason) return 'error' in cause && cause.error === reason.error;
  return 'value' in cause && cause.value === reason.value;
}

/** What cockatiel's own timeout policy throws, within the breaker. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'isTaskCancelledError' in error;
}
