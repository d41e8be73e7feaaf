import { BodyTooLargeError } from './body-too-large-error.ts';

/** A body that can be read once, read for two. */
export interface KeptBody {
  /** For the request: the same chunks, read as they are asked for. */
  readonly passing: AsyncIterable<Uint8Array>;
  /**
   * All of it: what was sent, and the rest, which is read now.
   * @throws BodyTooLargeError; what the body itself is broken by
   */
  whole(): Promise<Uint8Array>;
  /** Nobody will ask for the whole any more: from now on it is the request's alone. */
  letGo(): void;
}

/** Bytes that are read of a body for a wire that did not ask for it before the call. */
export const MOST_READ_UNASKED = 1_048_576;

/** @param mostBytes beyond which no more is kept of it; it is sent all the same */
export function keepBody(source: AsyncIterable<unknown> | Iterable<unknown>, mostBytes: number): KeptBody {
  return new SharedBody(source, mostBytes);
}

/** Reads a body to its end. @throws BodyTooLargeError, and lets the rest go */
export async function readWhole(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  mostBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of source) {
    const chunk = bytesOf(part);
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw new BodyTooLargeError(mostBytes);
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

class SharedBody implements KeptBody {
  readonly passing: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => this.#pass() };
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #mostBytes: number;
  #chunks: Uint8Array[] | undefined = [];
  #bytes = 0;
  /** Read, and not sent yet: one chunk, and more only where a wire reads ahead of the request, at most the bound. */
  #unsent: Uint8Array[] = [];
  /** The read under way: the request and `whole` take turns. */
  #reading: Promise<void> = Promise.resolve();
  #broken: { readonly error: unknown } | undefined = undefined;
  #isAtEnd = false;
  #isSent = false;
  #isLetGo = false;

  constructor(source: AsyncIterable<unknown> | Iterable<unknown>, mostBytes: number) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#mostBytes = mostBytes;
  }

  async whole(): Promise<Uint8Array> {
    while (this.#chunks && !this.#isAtEnd) await this.#read();
    if (!this.#chunks) throw new BodyTooLargeError(this.#mostBytes);
    return Buffer.concat(this.#chunks);
  }

  letGo(): void {
    this.#chunks = undefined;
    this.#isLetGo = true;
    this.#closeSource();
  }

  #pass(): AsyncIterator<Uint8Array> {
    const ended = { done: true, value: undefined } as const;
    return {
      next: async () => {
        while (this.#unsent.length === 0 && !this.#isAtEnd) await this.#read();
        const value = this.#unsent.shift();
        if (value) return { done: false, value };
        this.#isSent = true;
        return ended;
      },
      return: async () => {
        this.#isSent = true;
        this.#unsent = [];
        this.#closeSource();
        return ended;
      },
    };
  }

  /** What was not sent of it stays in the source as long as it may be asked for. */
  #closeSource(): void {
    if (!this.#isSent || !this.#isLetGo || this.#isAtEnd) return;
    this.#isAtEnd = true;
    Promise.resolve(this.#source.return?.()).catch(() => undefined);
  }

  #read(): Promise<void> {
    const read = async () => {
      if (this.#broken) throw this.#broken.error;
      if (this.#isAtEnd) return;
      const chunk = await this.#take();
      if (!chunk) return;
      this.#bytes += chunk.byteLength;
      if (this.#bytes > this.#mostBytes) this.#chunks = undefined;
      this.#chunks?.push(Uint8Array.from(chunk));
      if (!this.#isSent) this.#unsent.push(chunk);
    };
    this.#reading = this.#reading.then(read, read);
    return this.#reading;
  }

  async #take(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#source.next();
      if (!done) return bytesOf(value);
      this.#isAtEnd = true;
    } catch (error) {
      // A source that broke says that it is at its end when it is asked again, and what came of it is no whole body.
      this.#broken = { error };
      throw error;
    }
    return undefined;
  }
}

function bytesOf(part: unknown): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === 'string') return Buffer.from(part);
  if (part instanceof ArrayBuffer) return new Uint8Array(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  throw new TypeError(`A part of a body must be bytes or text, and it is ${typeof part}`);
}
