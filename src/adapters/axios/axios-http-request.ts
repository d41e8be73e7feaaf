import { Readable } from 'node:stream';
import { Axios, type InternalAxiosRequestConfig } from 'axios';
import { BodyTooLargeError } from '../http-calls/body-too-large-error.ts';
import type { HttpRequest } from '../http-calls/http-request.ts';
import { type KeptBody, keepBody } from '../http-calls/keep-body.ts';
import { originParts } from '../http-calls/origin-parts.ts';

/** Without defaults of its own: a configuration has those of its instance already. */
const PLAIN = new Axios({});

/** A request of axios as it is handed to an adapter. */
export class AxiosHttpRequest implements HttpRequest {
  readonly client = 'axios';
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  readonly #config: InternalAxiosRequestConfig;
  #mostBytes = 0;
  /** Of a stream, which can be read once. */
  #kept: KeptBody | undefined = undefined;

  /** Undefined where it does not lead to a server, such as `data:`, or nowhere: axios says so itself. */
  static of(config: InternalAxiosRequestConfig): AxiosHttpRequest | undefined {
    const url = URL.parse(PLAIN.getUri(config));
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
    return new AxiosHttpRequest(url, config);
  }

  private constructor(url: URL, config: InternalAxiosRequestConfig) {
    this.#config = config;
    this.method = (config.method ?? 'get').toUpperCase();
    url.hash = '';
    // Credentials are a header of the request.
    url.username = '';
    url.password = '';
    this.url = url.href;
    ({ origin: this.origin, host: this.host, path: this.path } = originParts(url));
  }

  headers(): Readonly<Record<string, string>> {
    const { auth, headers } = this.#config;
    const all: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers.toJSON())) {
      all[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
    }
    if (auth) {
      all.authorization = `Basic ${Buffer.from(`${auth.username}:${auth.password ?? ''}`).toString('base64')}`;
    }
    return all;
  }

  async body(): Promise<Uint8Array | undefined> {
    const whole = this.#kept ? await this.#kept.whole() : bytesOf(this.#config.data);
    if (whole && whole.byteLength > this.#mostBytes) throw new BodyTooLargeError(this.#mostBytes);
    return whole;
  }

  /** Has the body kept, in case a wire asks for it. */
  keep(mostBytes: number): void {
    this.#mostBytes = mostBytes;
    const { data } = this.#config;
    if (mostBytes > 0 && data instanceof Readable) this.#kept = keepBody(data, mostBytes);
  }

  /** The configuration to send it with: that of the caller, but for what must be different. */
  toSend(deadline: AbortSignal | undefined): InternalAxiosRequestConfig {
    const config = this.#config;
    if (!deadline && !this.#kept) return config;
    const signal = config.signal as AbortSignal | undefined;
    return {
      ...config,
      ...(deadline && { signal: signal ? AbortSignal.any([signal, deadline]) : deadline }),
      ...(this.#kept && { data: Readable.from(this.#kept.passing, { objectMode: false }) }),
    };
  }

  letGo(): void {
    this.#kept?.letGo();
  }
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (data === undefined || data === null || data === '') return undefined;
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('Such a body of axios cannot be kept: it must be text, bytes, JSON or a stream');
}
