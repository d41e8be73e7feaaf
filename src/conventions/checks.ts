import type { Problem } from './problem.ts';

/** Checks one value at a path; returns what is wrong with it. */
export type Check = (value: unknown, field: string) => Problem[];

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number that `accepts`; `rule` says which, as the end of a sentence. */
export function number(rule: string, accepts: (value: number) => boolean): Check {
  return (value, field) => (typeof value === 'number' && accepts(value) ? [] : [{ field, rule, value }]);
}

export function integer(min: number, max: number): Check {
  return number(
    `must be an integer from ${min} to ${max}`,
    (value) => Number.isInteger(value) && value >= min && value <= max,
  );
}

export function text(min: number, max: number): Check {
  const rule = `must be a string of ${min} to ${max} characters`;
  return (value, field) =>
    typeof value === 'string' && value.length >= min && value.length <= max ? [] : [{ field, rule, value }];
}

export function oneOf(words: readonly string[]): Check {
  const rule = `must be one of ${words.join(', ')}`;
  return (value, field) => (typeof value === 'string' && words.includes(value) ? [] : [{ field, rule, value }]);
}

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** An instant with its offset, as RFC 3339 writes it. */
export const timestamp: Check = (value, field) =>
  typeof value === 'string' && isInstant(value)
    ? []
    : [{ field, rule: 'must be an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z', value }];

function isInstant(text: string): boolean {
  const day = RFC_3339.exec(text)?.[1];
  if (day === undefined || Number.isNaN(Date.parse(text))) return false;
  // Date.parse takes 30 February for 2 March.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

export function nullable(check: Check): Check {
  return (value, field) => (value === null ? [] : check(value, field));
}

/** An object with these fields and no others. */
export function object(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  const known = [...Object.keys(required), ...Object.keys(optional)].join(', ');
  return (value, field) => {
    if (!isRecord(value)) return [{ field, rule: 'must be an object', value }];
    const problems: Problem[] = [];
    for (const key of Object.keys(required)) problems.push(...required[key]!(value[key], join(field, key)));
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(required, key)) continue;
      const check = Object.hasOwn(optional, key) ? optional[key] : undefined;
      if (!check)
        problems.push({ field: join(field, key), rule: `is unknown; known here: ${known}`, value: value[key] });
      else if (value[key] !== undefined) problems.push(...check(value[key], join(field, key)));
    }
    return problems;
  };
}

/** An object whose keys pass `key` and whose values pass `value`. */
export function recordOf(key: Check, item: Check): Check {
  return (value, field) => {
    if (!isRecord(value)) return [{ field, rule: 'must be an object', value }];
    return Object.keys(value).flatMap((name) => [
      ...key(name, join(field, name)),
      ...item(value[name], join(field, name)),
    ]);
  };
}

function join(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`;
}
