import { deserialize, serialize } from 'node:v8';

/** An input in a column: JSON text, the bytes of V8's structured clone, or null for `undefined`. */
export type StoredInput = string | Uint8Array | null;

/**
 * Writes an input so that it comes back as it was: as JSON where that keeps all of it, else as a structured clone, which
 * keeps dates, maps, sets, bytes, big integers, `undefined` and cycles too.
 * @throws TypeError for what neither keeps: functions, symbols, and instances of classes, which would lose their methods
 */
export function storeInput(input: unknown): StoredInput {
  if (input === undefined) return null;
  return isJson(input, new Set()) ? JSON.stringify(input) : serialize(input);
}

/** @throws where what is stored was damaged */
export function restoreInput(stored: StoredInput): unknown {
  if (stored === null) return undefined;
  return typeof stored === 'string' ? JSON.parse(stored) : deserialize(stored);
}

/** Whether JSON keeps it. Looks at the whole of it, for what nothing keeps may come last. */
function isJson(value: unknown, seen: Set<object>): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || isJsonObject(value, seen);
    case 'function':
    case 'symbol':
      throw new TypeError(`a ${typeof value} cannot be written down`);
    default:
      return false;
  }
}

function isJsonObject(value: object, seen: Set<object>): boolean {
  // Met before: JSON would write it a second time, or without end.
  if (seen.has(value)) return false;
  seen.add(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) {
    return arePropertiesJson(value, seen);
  }
  if (prototype === Map.prototype) {
    for (const pair of value as Map<unknown, unknown>) for (const part of pair) isJson(part, seen);
  } else if (prototype === Set.prototype) {
    for (const item of value as Set<unknown>) isJson(item, seen);
  } else if (!CLONED_WHOLE.has(prototype)) {
    const { name = 'a class' } = (value.constructor ?? {}) as { readonly name?: string };
    throw new TypeError(`an instance of ${name} would come back without its methods`);
  }
  return false;
}

/** Objects that a structured clone gives back as they were, and that hold no others. */
const CLONED_WHOLE: ReadonlySet<unknown> = new Set(
  [
    Date,
    RegExp,
    ArrayBuffer,
    DataView,
    Buffer,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map(({ prototype }) => prototype),
);

function arePropertiesJson(value: object, seen: Set<object>): boolean {
  if (Object.getOwnPropertySymbols(value).length > 0) throw new TypeError('a symbol cannot be written down');
  const keys = Object.keys(value);
  // A hole of an array comes back from JSON as null, and a property that has a name not at all.
  let areJson =
    !Array.isArray(value) || (keys.length === value.length && (keys.at(-1) ?? '-1') === `${value.length - 1}`);
  for (const key of keys) areJson = isJson((value as Record<string, unknown>)[key], seen) && areJson;
  return areJson;
}
