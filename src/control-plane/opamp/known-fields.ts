import { isRecord } from '@switchgear/conventions';

/** Takes of a value what is known here. What is of another shape stays as it is, for a check to refuse. */
export type Part = (value: unknown) => unknown;

export const all: Part = (value) => value;

/** The named fields of an object, in the order they are named; `absent` has what stands for those it lacks. */
export function fields(parts: Readonly<Record<string, Part>>, absent: Readonly<Record<string, unknown>> = {}): Part {
  return (value) => {
    if (!isRecord(value)) return value;
    const known = Object.entries(parts).map(([key, part]): [string, unknown] =>
      Object.hasOwn(value, key) ? [key, part(value[key])] : [key, absent[key]],
    );
    return Object.fromEntries(known.filter(([, item]) => item !== undefined));
  };
}

/** The fields that have these names, each whole. */
export function fieldsOf(named: object, absent?: Readonly<Record<string, unknown>>): Part {
  return fields(Object.fromEntries(Object.keys(named).map((key) => [key, all])), absent);
}

/** Of every item of a list, and of every value of an object. */
export function each(part: Part): Part {
  return (value) => {
    if (Array.isArray(value)) return value.map(part);
    return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, part(item)])) : value;
  };
}
