import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const BIG_ENDIAN_SUMS = 0x377f0683;
const LITTLE_ENDIAN_SUMS = 0x377f0682;
/** A longer log is not looked at: SQLite brings it over to the file every 16 MiB, so only a torn one grows past it. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Whether a write-ahead log has commits that SQLite will not read, since something before them is damaged. It reads a log up
 * to its first wrong checksum, and says nothing of what it leaves out. A commit that was being written as the process
 * died ends a log that way too, but nothing of this log follows it.
 * @see https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
export function isCutOff(log: string): boolean {
  const bytes = readLog(log);
  if (!bytes || bytes.length < HEADER_BYTES + FRAME_HEADER_BYTES) return false;
  const magic = bytes.readUInt32BE(0);
  const pageBytes = bytes.readUInt32BE(8);
  const sums = new Checksums(bytes, magic === BIG_ENDIAN_SUMS);
  sums.add(0, 24);
  const isHeaderSound = (magic === BIG_ENDIAN_SUMS || magic === LITTLE_ENDIAN_SUMS) && sums.equal(24);
  // The header is on disk before the first frame is.
  if (!isHeaderSound) return true;
  const salts = bytes.subarray(16, 24);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let isSound = true;
  for (let at = HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    const isOfThisLog = bytes.compare(salts, 0, 8, at + 8, at + 16) === 0;
    // What commits says how many pages the file has then.
    if (!isSound && isOfThisLog && bytes.readUInt32BE(at + 4) > 0) return true;
    if (!isSound) continue;
    sums.add(at, 8);
    sums.add(at + FRAME_HEADER_BYTES, pageBytes);
    isSound = isOfThisLog && sums.equal(at + 16);
  }
  return false;
}

function readLog(log: string): Buffer | undefined {
  if (!existsSync(log)) return undefined;
  const { size } = statSync(log);
  if (size > MOST_BYTES) return undefined;
  const bytes = Buffer.alloc(size);
  const descriptor = openSync(log, 'r');
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** The running sums of a log: two words that each word read goes into. */
class Checksums {
  readonly #view: DataView;
  readonly #isLittleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(bytes: Buffer, isBigEndian: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLittleEndian = !isBigEndian;
  }

  add(from: number, length: number): void {
    for (let at = from; at < from + length; at += 8) {
      this.#first = (this.#first + this.#view.getUint32(at, this.#isLittleEndian) + this.#second) >>> 0;
      this.#second = (this.#second + this.#view.getUint32(at + 4, this.#isLittleEndian) + this.#first) >>> 0;
    }
  }

  /** Whether they are what is written at a place. */
  equal(at: number): boolean {
    return this.#view.getUint32(at) === this.#first && this.#view.getUint32(at + 4) === this.#second;
  }
}
