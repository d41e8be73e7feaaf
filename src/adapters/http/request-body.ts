import type { ClientRequest } from 'node:http';
import { BodyTooLargeError } from '../http-calls/body-too-large-error.ts';

/** The body of a request of node:http, kept while its caller writes it. Memory: at most `limitBytes`. */
export class RequestBody {
  readonly #limitBytes: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isWhole = false;
  #error: Error | undefined = undefined;
  /** Those who wait for it to be whole. */
  #waiting: (() => void)[] = [];

  /** Of what is written to a request from now on. */
  static of(request: ClientRequest, limitBytes: number): RequestBody {
    const body = new RequestBody(limitBytes);
    body.#listenTo(request);
    return body;
  }

  private constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Nobody will write the rest of it. */
  giveUp(error: Error): void {
    this.#settle(error);
  }

  /** @throws BodyTooLargeError; what it was given up with */
  async whole(): Promise<Uint8Array | undefined> {
    if (!this.#isWhole && !this.#error) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#error) throw this.#error;
    return this.#bytes === 0 ? undefined : Buffer.concat(this.#chunks);
  }

  #listenTo(request: ClientRequest): void {
    const { write, end } = request;
    const take = (chunk: unknown, encoding: unknown) => this.#take(chunk, encoding);
    const finish = () => this.#settle(undefined);
    hide(request, 'write', function (this: ClientRequest, ...args: Parameters<typeof write>) {
      take(args[0], args[1]);
      return write.apply(this, args);
    });
    hide(request, 'end', function (this: ClientRequest, ...args: Parameters<typeof end>) {
      take(args[0], args[1]);
      finish();
      return end.apply(this, args);
    });
  }

  #take(chunk: unknown, encoding: unknown): void {
    if (this.#isWhole || this.#error) return;
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    // Copied: its owner may use a buffer again as soon as it is written.
    const bytes = Buffer.from(chunk as string, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
    this.#bytes += bytes.byteLength;
    this.#chunks.push(bytes);
    if (this.#bytes > this.#limitBytes) this.#settle(new BodyTooLargeError(this.#limitBytes));
  }

  #settle(error: Error | undefined): void {
    if (this.#isWhole) return;
    if (error) {
      this.#error ??= error;
      this.#chunks = [];
    } else if (!this.#error) {
      this.#isWhole = true;
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Lays a method over a request's own, out of sight of those who list what it has. */
export function hide(request: ClientRequest, name: string, value: unknown): void {
  Object.defineProperty(request, name, { value, writable: true, configurable: true, enumerable: false });
}
