import type { BreakerSettings } from '@switchgear/conventions';

/** Version and length, in words; the text follows. The version is odd while somebody writes. */
const VERSION = 0;
const LENGTH = 1;
const TEXT_AT = 2 * Int32Array.BYTES_PER_ELEMENT;
/** The longest settings take a third of it. */
const BYTES = 4_096;

/** The settings of a shared breaker, as JSON text that one thread writes and all read. */
export class SharedSettings {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  #version = 0;

  constructor(buffer = new SharedArrayBuffer(BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, 2);
    this.#text = new Uint8Array(buffer, TEXT_AT);
  }

  /** For the owner alone. */
  write(settings: BreakerSettings): void {
    const text = new TextEncoder().encode(JSON.stringify(settings));
    Atomics.add(this.#words, VERSION, 1);
    for (const [index, byte] of text.entries()) Atomics.store(this.#text, index, byte);
    Atomics.store(this.#words, LENGTH, text.length);
    Atomics.add(this.#words, VERSION, 1);
  }

  /** The settings if they have changed since they were last read here. */
  readIfChanged(): BreakerSettings | undefined {
    const version = Atomics.load(this.#words, VERSION);
    // Odd: they are being written; the next call finds them whole.
    if (version === this.#version || version % 2 === 1) return undefined;
    const text = Uint8Array.from({ length: Atomics.load(this.#words, LENGTH) }, (_, index) =>
      Atomics.load(this.#text, index),
    );
    if (Atomics.load(this.#words, VERSION) !== version) return undefined;
    this.#version = version;
    return JSON.parse(new TextDecoder().decode(text)) as BreakerSettings;
  }
}
