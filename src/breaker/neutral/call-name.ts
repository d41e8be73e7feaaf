/** Characters that a name may have. */
export const LONGEST_CALL_NAME = 1_024;
/** Objects in objects: deeper ones are no simple question, or have no end. */
const DEEPEST = 16;

/**
 * Says in words what a call asks, the same words for the same question: key and input as JSON, with the properties of
 * objects in alphabetical order. Undefined where there is nothing to say, where it would be longer than
 * `LONGEST_CALL_NAME`, or where the input has parts that JSON does not tell apart, such as a `Map` or a function.
 */
export function callName(key: string | undefined, input: unknown): string | undefined {
  if (key === undefined && input === undefined) return undefined;
  const writer = new NameWriter();
  const isWhole = writer.write(key, 0) && writer.add(' ') && writer.write(input, 0);
  return isWhole ? writer.text : undefined;
}

/** Stops as soon as it cannot end well: an input may be as large as it likes. */
class NameWriter {
  readonly #parts: string[] = [];
  #length = 0;

  /** In one piece: a text that was put together by `+` keeps all of its pieces, which take more than the text. */
  get text(): string {
    return this.#parts.join('');
  }

  add(part: string): boolean {
    this.#parts.push(part);
    this.#length += part.length;
    return this.#length <= LONGEST_CALL_NAME;
  }

  write(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return value.length <= LONGEST_CALL_NAME && this.add(JSON.stringify(value));
      case 'number':
      case 'boolean':
      case 'undefined':
        return this.add(String(value));
      case 'bigint':
        return this.add(`${value}n`);
      case 'object':
        return value === null ? this.add('null') : depth < DEEPEST && this.#writeObject(value, depth);
      default:
        return false;
    }
  }

  #writeObject(value: object, depth: number): boolean {
    if (Array.isArray(value)) return this.#writeArray(value, depth);
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.write(value.toJSON(), depth + 1);
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    const properties = value as Readonly<Record<string, unknown>>;
    const names = Object.keys(properties);
    if (names.length > LONGEST_CALL_NAME) return false;
    if (!this.add('{')) return false;
    for (const name of names.sort()) {
      if (properties[name] === undefined) continue;
      if (!this.write(name, depth) || !this.add(':')) return false;
      if (!this.write(properties[name], depth + 1) || !this.add(',')) return false;
    }
    return this.add('}');
  }

  #writeArray(values: readonly unknown[], depth: number): boolean {
    if (values.length > LONGEST_CALL_NAME || !this.add('[')) return false;
    for (const value of values) if (!this.write(value, depth + 1) || !this.add(',')) return false;
    return this.add(']');
  }
}
