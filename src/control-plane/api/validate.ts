import { InvalidInputError, type Problem } from '@switchgear/conventions';
import type { z } from 'zod';

/**
 * Checks a part of a request. `part` stands in for the field where the whole of it is at fault, such as `body`.
 * @throws InvalidInputError naming every field that breaks a rule.
 */
export function validate<T extends z.ZodType>(schema: T, value: unknown, part: string): z.output<T> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new InvalidInputError(result.error.issues.flatMap((issue) => problemsOf(issue, value, part)));
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown, part: string): Problem[] {
  // A check of the conventions has said all there is to say.
  if (issue.code === 'custom' && issue.params?.problem) {
    const problem = issue.params.problem as Problem;
    return [{ ...problem, field: problem.field || part }];
  }
  const path = issue.path.map(String);
  const field = path.join('.') || part;
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], input);
  if (issue.code === 'unrecognized_keys') {
    const parent = value as Record<string, unknown> | undefined;
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), rule: 'is unknown', value: parent?.[key] }));
  }
  return [{ field, rule: ruleOf(issue), value }];
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${articleFor(issue.expected)} ${issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z'
        : issue.message;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  return origin === 'string' ? ' characters' : '';
}

function articleFor(word: string): string {
  return /^[aeiou]/.test(word) ? 'an' : 'a';
}
