/** One thing that is wrong with an input: where, which rule it breaks, and what was there. */
export interface Problem {
  /** The path of the field, such as `trip.failureRatio` or `breakers.payments.override.mode`. */
  readonly field: string;
  /** The rule, as the end of a sentence: "must be in (0, 1]". */
  readonly rule: string;
  readonly value: unknown;
}

/** Prints a problem as one sentence: "`trip.failureRatio` must be in (0, 1], got 5". */
export function describeProblem({ field, rule, value }: Problem): string {
  return `\`${field}\` ${rule}, got ${describeValue(value)}`;
}

/** Thrown where input is refused. `problems` is never empty. */
export class InvalidInputError extends Error {
  readonly code = 'INVALID_INPUT';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(describeProblem).join('; '));
    this.name = 'InvalidInputError';
    this.problems = problems;
  }
}

/** Longest echo of a refused value, in characters. */
const VALUE_LIMIT = 80;

function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > VALUE_LIMIT ? `${text.slice(0, VALUE_LIMIT)}…` : text;
}
