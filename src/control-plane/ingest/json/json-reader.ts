import { isRecord } from '@switchgear/conventions';
import { FieldTrail } from '../field-trail.ts';

export type JsonMessage = Readonly<Record<string, unknown>>;

const TWO_TO_63 = 2 ** 63;
const TWO_TO_64 = 2 ** 64;

/**
 * Reads fields out of parsed OTLP/JSON, which is protobuf's JSON mapping with hex ids: 64-bit integers are strings or
 * numbers, `null` is as good as absent, and fields that are not asked for are not looked at.
 * @throws InvalidInputError that names the field
 */
export class JsonReader {
  readonly #trail = new FieldTrail();

  /** The whole request, out of UTF-8 text. */
  parse(bytes: Uint8Array): JsonMessage {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (error) {
      throw this.#trail.problem(`must be JSON in UTF-8 (${(error as Error).message})`, `${bytes.length} bytes`);
    }
    if (!isRecord(value)) throw this.#trail.problem('must be an object', value);
    return value;
  }

  /** Visits each message of a repeated field. */
  each(message: JsonMessage, field: string, visit: (item: JsonMessage) => void): void {
    const list = message[field];
    if (list === undefined || list === null) return;
    if (!Array.isArray(list)) throw this.#trail.problem('must be an array', list, field);
    for (let index = 0; index < list.length; index += 1) {
      const item: unknown = list[index];
      if (!isRecord(item)) throw this.#trail.problem('must be an object', item, field, index);
      this.#trail.enter(field, index);
      visit(item);
      this.#trail.leave();
    }
  }

  /** Visits the message in a field, where there is one. */
  message(message: JsonMessage, field: string, visit: (item: JsonMessage) => void): void {
    const item = message[field];
    if (item === undefined || item === null) return;
    if (!isRecord(item)) throw this.#trail.problem('must be an object', item, field);
    this.#trail.enter(field);
    visit(item);
    this.#trail.leave();
  }

  /** Empty where the field is absent. */
  text(message: JsonMessage, field: string): string {
    const value = message[field];
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string') throw this.#trail.problem('must be a string', value, field);
    return value;
  }

  boolean(message: JsonMessage, field: string): boolean | undefined {
    const value = message[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'boolean') throw this.#trail.problem('must be true or false', value, field);
    return value;
  }

  double(message: JsonMessage, field: string): number | undefined {
    const value = message[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number') return value;
    if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
    if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value);
    throw this.#trail.problem('must be a number', value, field);
  }

  /** Exact up to 2^53, the nearest double above. */
  int64(message: JsonMessage, field: string): number | undefined {
    const value = this.#integer(message[field]);
    if (value === null) return undefined;
    if (value === undefined || value < -TWO_TO_63 || value > TWO_TO_63)
      throw this.#trail.problem('must be a 64-bit integer, as a number or a decimal string', message[field], field);
    return value;
  }

  /** Exact up to 2^53, the nearest double above; 0 where the field is absent. */
  uint64(message: JsonMessage, field: string): number {
    const value = this.#integer(message[field]);
    if (value === null) return 0;
    if (value === undefined || value < 0 || value > TWO_TO_64)
      throw this.#trail.problem(
        'must be an unsigned 64-bit integer, as a number or a decimal string',
        message[field],
        field,
      );
    return value;
  }

  /** 0 where the field is absent. */
  uint32(message: JsonMessage, field: string): number {
    const value = this.#integer(message[field]);
    if (value === null) return 0;
    if (value === undefined || value < 0 || value > 0xffff_ffff)
      throw this.#trail.problem('must be an unsigned 32-bit integer', message[field], field);
    return value;
  }

  /** null: absent; undefined: no integer. */
  #integer(value: unknown): number | null | undefined {
    if (value === undefined || value === null) return null;
    if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
    return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : undefined;
  }
}
