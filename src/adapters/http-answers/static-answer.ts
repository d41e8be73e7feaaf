import { fallbackWire, type NeutralWire } from '@switchgear/breaker';
import { breakerName, InvalidInputError, object } from '@switchgear/conventions';
import { ANSWER_CHECKS, type HttpAnswer, type HttpAnswerOptions, httpAnswer } from '../http-calls/http-answer.ts';
import { methodList } from '../http-calls/http-checks.ts';
import { requestOfMethod } from './request-of.ts';

export interface StaticAnswerOptions extends HttpAnswerOptions {
  /** Default `static`. */
  readonly name?: string;
  /** The methods that it answers, in capitals; default: all. */
  readonly methods?: readonly string[];
}

const checkOptions = object({}, { ...ANSWER_CHECKS, name: breakerName, methods: methodList });

/**
 * A wire that has one answer for all calls.
 * @throws InvalidInputError for an option out of its range
 * @example staticAnswer({ status: 503, headers: { 'retry-after': '30' }, json: { error: 'back soon' } });
 */
export function staticAnswer(options: StaticAnswerOptions = {}): NeutralWire<HttpAnswer> {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  const { name = 'static', methods, ...given } = options;
  const answer = httpAnswer(given);
  return fallbackWire(
    (call) => {
      requestOfMethod(call, name, methods);
      return answer;
    },
    { name },
  );
}
