import { isRecord } from '@switchgear/conventions';

/** Takes of a value what is known here. What is of another shape stays as it is, for a check to refuse. */
export type Part = (value: unknown) => unknown;

export const all: Part = (value) => value;

/** The named fields of an object; `absent` has what stands for those it lacks. */
export function fields(parts: Readonly<Record<string, Part>>, absent: object = {}): Part {
  return (value) => {
    if (!isRecord(value)) return value;
    const known = Object.entries(parts).filter(([key]) => Object.hasOwn(value, key));
    return { ...absent, ...Object.fromEntries(known.map(([key, part]) => [key, part(value[key])])) };
  };
}

/** The fields that have these names, each whole. */
export function fieldsOf(named: object, absent?: object): Part {
  return fields(Object.fromEntries(Object.keys(named).map((key) => [key, all])), absent);
}

/** Of every item of a list, and of every value of an object. */
export function each(part: Part): Part {
  return (value) => {
    if (Array.isArray(value)) return value.map(part);
    return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, part(item)])) : value;
  };
}
