import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FieldTrail } from '../field-trail.ts';

const VARINT = 0;
const BIT64 = 1;
const LENGTH_DELIMITED = 2;
const END_GROUP = 4;
const BIT32 = 5;
const TWO_TO_32 = 4_294_967_296;

/**
 * Walks protobuf bytes field by field and reads only what it is asked for; all else is stepped over by its length. No
 * message objects are made. Every read checks the wire type and that it stays inside its message.
 *
 * A message is read as `enter`, then `next` until it returns 0, then `leave`.
 * @throws InvalidInputError that names the field; after that the scanner is of no more use.
 */
export class ProtobufScanner {
  readonly #bytes: Uint8Array;
  readonly #reader: BinaryReader;
  readonly #trail = new FieldTrail();
  readonly #ends: number[] = [];
  #end: number;
  #wireType = 0;
  #field = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new BinaryReader(bytes);
    this.#end = bytes.length;
  }

  /** The number of the next field of this message; 0 at its end. */
  next(): number {
    const reader = this.#reader;
    if (reader.pos >= this.#end) return 0;
    let tag: number;
    try {
      tag = reader.uint32();
    } catch {
      throw this.#malformed('must be protobuf, but a field has no readable tag');
    }
    this.#check();
    this.#field = tag >>> 3;
    this.#wireType = tag & 7;
    if (this.#field === 0 || this.#wireType > BIT32 || this.#wireType === END_GROUP)
      throw this.#malformed(`must be protobuf, but a field has tag ${tag}`);
    return this.#field;
  }

  /** Steps into the message in the current field. */
  enter(name: string, index = -1): void {
    const length = this.#length(name, index);
    this.#trail.enter(name, index);
    this.#ends.push(this.#end);
    this.#end = this.#reader.pos + length;
  }

  /** Steps out of it, over whatever of it was not read. */
  leave(): void {
    this.#reader.pos = this.#end;
    this.#end = this.#ends.pop()!;
    this.#trail.leave();
  }

  /** Where it stands; `rewind` goes back there, within the same message. Protobuf allows fields in any order. */
  mark(): number {
    return this.#reader.pos;
  }

  rewind(mark: number): void {
    this.#reader.pos = mark;
  }

  skip(): void {
    try {
      this.#reader.skip(this.#wireType, this.#field);
    } catch {
      throw this.#malformed(`must be protobuf, but field ${this.#field} does not end within it`);
    }
    this.#check();
  }

  text(name: string): string {
    this.#expect(LENGTH_DELIMITED, 'a string', name);
    let value: string;
    try {
      value = this.#reader.string(true);
    } catch (error) {
      // A strict TextDecoder throws a TypeError, the reader a RangeError.
      if (error instanceof TypeError) throw this.#trail.problem('must be UTF-8', 'other bytes', name);
      throw this.#truncated(name);
    }
    this.#check(name);
    return value;
  }

  /** The bytes as hex. */
  hex(name: string): string {
    const length = this.#length(name);
    const start = this.#reader.pos;
    this.#reader.pos += length;
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('hex');
  }

  double(name: string): number {
    this.#expect(BIT64, 'a double', name);
    this.#need(8, name);
    return this.#reader.double();
  }

  /** Exact up to 2^53, the nearest double above. */
  sfixed64(name: string): number {
    this.#expect(BIT64, 'a fixed 64-bit integer', name);
    this.#need(8, name);
    const low = this.#reader.fixed32();
    return this.#reader.sfixed32() * TWO_TO_32 + low;
  }

  /** Exact up to 2^53, the nearest double above. */
  fixed64(name: string): number {
    this.#expect(BIT64, 'a fixed 64-bit integer', name);
    this.#need(8, name);
    const low = this.#reader.fixed32();
    return this.#reader.fixed32() * TWO_TO_32 + low;
  }

  uint32(name: string): number {
    this.#expect(VARINT, 'a varint', name);
    try {
      return this.#inside(this.#reader.uint32(), name);
    } catch {
      throw this.#truncated(name);
    }
  }

  int64(name: string): number {
    this.#expect(VARINT, 'a varint', name);
    try {
      return this.#inside(Number(this.#reader.int64()), name);
    } catch {
      throw this.#truncated(name);
    }
  }

  #inside(value: number, name: string): number {
    this.#check(name);
    return value;
  }

  /** Reads the length of a length-delimited field and checks that it fits. */
  #length(name: string, index = -1): number {
    this.#expect(LENGTH_DELIMITED, 'length-delimited', name, index);
    let length: number;
    try {
      length = this.#reader.uint32();
    } catch {
      throw this.#truncated(name, index);
    }
    this.#need(length, name, index);
    return length;
  }

  #need(bytes: number, name: string, index = -1): void {
    if (this.#reader.pos + bytes > this.#end) throw this.#truncated(name, index);
  }

  /** A read must not leave its message, though there may be bytes of the next one behind it. */
  #check(name?: string): void {
    if (this.#reader.pos > this.#end) throw this.#truncated(name);
  }

  #expect(wireType: number, kind: string, name: string, index = -1): void {
    if (this.#wireType !== wireType)
      throw this.#trail.problem(
        `must be ${kind}, which is wire type ${wireType}`,
        `wire type ${this.#wireType}`,
        name,
        index,
      );
  }

  #truncated(name?: string, index = -1) {
    const left = Math.max(0, this.#end - this.#reader.pos);
    return this.#trail.problem('must end within its message', `${left} bytes left`, name, index);
  }

  #malformed(rule: string) {
    return this.#trail.problem(rule, `at byte ${this.#reader.pos}`);
  }
}
