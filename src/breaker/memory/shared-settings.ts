import type { BreakerSettings } from '@switchgear/conventions';

/** How often they were written; its last bit says which of the two texts is in force. */
const VERSION = 0;
/** Bytes of each text. */
const LENGTHS = 1;
const HEAD_BYTES = 3 * Int32Array.BYTES_PER_ELEMENT;
/** Room for each text: the longest settings take a third of it. */
const TEXT_BYTES = 4_096;

/**
 * The settings of a shared breaker, as JSON text that one thread writes and all read. They are written beside the text in
 * force, so that a writer that is held up, or killed, leaves whole settings to the others.
 */
export class SharedSettings {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #texts: readonly [Uint8Array, Uint8Array];
  #version = 0;

  constructor(buffer = new SharedArrayBuffer(HEAD_BYTES + 2 * TEXT_BYTES)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, HEAD_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#texts = [
      new Uint8Array(buffer, HEAD_BYTES, TEXT_BYTES),
      new Uint8Array(buffer, HEAD_BYTES + TEXT_BYTES, TEXT_BYTES),
    ];
  }

  /** For the owner alone. */
  write(settings: BreakerSettings): void {
    const version = (Atomics.load(this.#head, VERSION) + 1) | 0;
    const bytes = new TextEncoder().encode(JSON.stringify(settings));
    const text = this.#textOf(version);
    for (const [index, byte] of bytes.entries()) Atomics.store(text, index, byte);
    Atomics.store(this.#head, LENGTHS + (version & 1), bytes.length);
    Atomics.store(this.#head, VERSION, version);
  }

  /** The settings if they have changed since they were last read here. */
  readIfChanged(): BreakerSettings | undefined {
    const version = Atomics.load(this.#head, VERSION);
    if (version === this.#version) return undefined;
    const text = this.#textOf(version);
    const length = Atomics.load(this.#head, LENGTHS + (version & 1));
    const bytes = Uint8Array.from({ length }, (_, index) => Atomics.load(text, index));
    // Changed again: this text may be the next to be written, and the next call finds the other one whole.
    if (Atomics.load(this.#head, VERSION) !== version) return undefined;
    this.#version = version;
    return JSON.parse(new TextDecoder().decode(bytes)) as BreakerSettings;
  }

  #textOf(version: number): Uint8Array {
    return this.#texts[version & 1 ? 1 : 0];
  }
}
