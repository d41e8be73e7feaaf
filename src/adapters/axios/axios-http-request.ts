import { Readable } from 'node:stream';
import { Axios, type InternalAxiosRequestConfig } from 'axios';
import { BodyTooLargeError } from '../http-calls/body-too-large-error.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import { keepBody } from '../http-calls/keep-body.ts';
import { httpUrl, UrlRequest } from '../http-calls/url-request.ts';

/** Without defaults of its own: a configuration has those of its instance already. */
const PLAIN = new Axios({});

/** A request of axios as it is handed to an adapter. */
export class AxiosHttpRequest extends UrlRequest {
  readonly client = 'axios';
  readonly #config: InternalAxiosRequestConfig;

  /** Undefined where it does not lead to a server, such as `data:`, or nowhere: axios says so itself. */
  static of(config: InternalAxiosRequestConfig): AxiosHttpRequest | undefined {
    const url = httpUrl(PLAIN.getUri(config));
    if (!url) return undefined;
    url.hash = '';
    // Credentials are a header of the request.
    url.username = '';
    url.password = '';
    return new AxiosHttpRequest(url, config);
  }

  private constructor(url: URL, config: InternalAxiosRequestConfig) {
    super(url, config.method ?? 'get');
    this.#config = config;
  }

  headers(): Readonly<Record<string, string>> {
    const { auth, headers } = this.#config;
    const given = joinedHeaders(headers.toJSON());
    if (!auth) return given;
    const credentials = Buffer.from(`${auth.username}:${auth.password ?? ''}`).toString('base64');
    return { ...given, authorization: `Basic ${credentials}` };
  }

  /** Has the body kept, in case a wire asks for it. */
  keep(mostBytes: number): void {
    this.mostBodyBytes = mostBytes;
    const { data } = this.#config;
    if (mostBytes > 0 && data instanceof Readable) this.kept = keepBody(data, mostBytes);
  }

  /** The configuration to send it with: that of the caller, but for what must be different. */
  toSend(deadline: AbortSignal | undefined): InternalAxiosRequestConfig {
    const config = this.#config;
    if (!deadline && !this.kept) return config;
    const signal = config.signal as AbortSignal | undefined;
    return {
      ...config,
      ...(deadline && { signal: signal ? AbortSignal.any([signal, deadline]) : deadline }),
      ...(this.kept && { data: Readable.from(this.kept.passing, { objectMode: false }) }),
    };
  }

  protected override async readBody(): Promise<Uint8Array | undefined> {
    const whole = this.kept ? await this.kept.whole() : bytesOf(this.#config.data);
    if (whole && whole.byteLength > this.mostBodyBytes) throw new BodyTooLargeError(this.mostBodyBytes);
    return whole;
  }
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (data === undefined || data === null || data === '') return undefined;
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('Such a body of axios cannot be kept: it must be text, bytes, JSON or a stream');
}
