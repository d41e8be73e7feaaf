import { InvalidInputError } from '@switchgear/conventions';
import { checkOutcomes } from './check-codes.ts';
import { CodeMatcher } from './code-matcher.ts';
import { DEFAULT_OUTCOMES } from './default-outcomes.ts';
import { readErrorSigns, statusOf } from './error-signs.ts';
import { DEFAULT_CODES, type OutcomeCodes } from './outcome-codes.ts';

export interface JudgeOutcomesOptions {
  /**
   * What says that the dependency is unwell. A list that is given takes the place of the same list of `DEFAULT_OUTCOMES`; `'default'`
   * in it stands for that one.
   */
  readonly failures?: OutcomeCodes;
  /**
   * What says nothing of the dependency: an error is ignored, a status is a good answer. It wins over `failures`, and is added to what
   * the default ignores.
   */
  readonly ignored?: OutcomeCodes;
  /** What counts as a slow call however long it took, such as status 429. Default: nothing. */
  readonly slow?: OutcomeCodes;
}

/** Options of a breaker that judge its calls. */
export interface OutcomeJudge {
  readonly isFailure: (error: unknown) => boolean;
  readonly isFailureResult: (result: unknown) => boolean;
  readonly isSlow: (call: { readonly result?: unknown; readonly error?: unknown }) => boolean;
}

/**
 * Judges calls by codes: HTTP statuses, codes of errors, SQLSTATEs, replies of Redis, gRPC statuses. The default is right for all of
 * them at once.
 * @throws InvalidInputError for a code that is none
 * @example createBreaker('stock', { ...judgeOutcomes({ failures: { statuses: ['5xx', 429] } }) });
 */
export function judgeOutcomes(options: JudgeOutcomesOptions = {}): OutcomeJudge {
  const problems = checkOutcomes(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  const failures = new CodeMatcher(replacing(options.failures ?? {}, DEFAULT_OUTCOMES.failures));
  const ignored = new CodeMatcher(adding(options.ignored ?? {}, DEFAULT_OUTCOMES.ignored));
  const slow = new CodeMatcher(withoutDefault(options.slow ?? {}));
  return {
    isFailure: (error) => {
      const signs = readErrorSigns(error);
      return !ignored.hasError(signs) && failures.hasError(signs);
    },
    isFailureResult: (result) => {
      const status = statusOf(result);
      return status !== undefined && failures.hasStatus(status) && !ignored.hasStatus(status);
    },
    isSlow: slow.isEmpty ? () => false : (call) => isSlow(slow, call),
  };
}

function isSlow(
  slow: CodeMatcher,
  { result, error }: { readonly result?: unknown; readonly error?: unknown },
): boolean {
  if (error !== undefined) return slow.hasError(readErrorSigns(error));
  const status = statusOf(result);
  return status !== undefined && slow.hasStatus(status);
}

function replacing(given: OutcomeCodes, own: Required<OutcomeCodes>): OutcomeCodes {
  return {
    statuses: spread(given.statuses ?? [DEFAULT_CODES], own.statuses),
    errors: spread(given.errors ?? [DEFAULT_CODES], own.errors),
    grpc: spread(given.grpc ?? [DEFAULT_CODES], own.grpc),
  };
}

function adding(given: OutcomeCodes, own: Required<OutcomeCodes>): OutcomeCodes {
  return {
    statuses: spread([DEFAULT_CODES, ...(given.statuses ?? [])], own.statuses),
    errors: spread([DEFAULT_CODES, ...(given.errors ?? [])], own.errors),
    grpc: spread([DEFAULT_CODES, ...(given.grpc ?? [])], own.grpc),
  };
}

function withoutDefault({ statuses = [], errors = [], grpc = [] }: OutcomeCodes): OutcomeCodes {
  return { statuses: spread(statuses, []), errors: spread(errors, []), grpc: spread(grpc, []) };
}

/** The list with the default's codes in the place of `default`. */
function spread<Code>(given: readonly Code[], own: readonly Code[]): Code[] {
  return given.flatMap((code) => (code === DEFAULT_CODES ? own : [code]));
}
