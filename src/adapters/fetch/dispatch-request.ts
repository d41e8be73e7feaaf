import { stringify } from 'node:querystring';
import type { HttpRequest } from '../http-calls/http-request.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import { type KeptBody, keepBody, MOST_READ_UNASKED, readWhole } from '../http-calls/keep-body.ts';
import { originParts } from '../http-calls/origin-parts.ts';
import type { DispatchOptions } from './dispatcher.ts';

/** The options of a dispatch, as a request. */
export class DispatchRequest implements HttpRequest {
  readonly client = 'undici';
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  /** Most bytes of the body that are kept for the wires. */
  mostBodyBytes = 0;
  readonly #options: DispatchOptions;
  #kept: KeptBody | undefined;
  #whole: Promise<Uint8Array | undefined> | undefined;
  #headers: Readonly<Record<string, string>> | undefined;
  #form: Response | undefined;

  /**
   * Undefined where it is no HTTP request, or none at all: the dispatcher says so then.
   * @param origin where the options have none: that of a client for one origin
   */
  static of(options: DispatchOptions, origin: string | URL | undefined): DispatchRequest | undefined {
    const { path, query } = options;
    const whole = query ? `${path}?${stringify(query as Record<string, string>)}` : path;
    const base = options.origin ?? origin;
    const url = URL.parse(String(whole), base === undefined ? base : String(base));
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
    return new DispatchRequest(url, options);
  }

  private constructor(url: URL, options: DispatchOptions) {
    this.#options = options;
    this.method = String(options.method ?? 'GET').toUpperCase();
    this.url = url.href;
    ({ origin: this.origin, host: this.host, path: this.path } = originParts(url));
  }

  headers(): Readonly<Record<string, string>> {
    if (!this.#headers) {
      const given = joinedHeaders(this.#options.headers);
      const type = isForm(this.#options.body) ? this.#formAsResponse().headers.get('content-type') : null;
      this.#headers = type === null ? given : { 'content-type': type, ...given };
    }
    return this.#headers;
  }

  body(): Promise<Uint8Array | undefined> {
    this.#whole ??= this.#readBody();
    return this.#whole;
  }

  /** The options of the caller, but for a body that can be read once and that a wire may need. */
  toSend(): DispatchOptions {
    const { body } = this.#options;
    if (this.mostBodyBytes === 0 || !isReadOnce(body)) return this.#options;
    this.#kept = keepBody(body, this.mostBodyBytes);
    return { ...this.#options, body: this.#kept.passing };
  }

  /** It is over, and no wire will ask for its body any more. */
  letGo(): void {
    this.#kept?.letGo();
  }

  async #readBody(): Promise<Uint8Array | undefined> {
    if (this.#kept) return this.#kept.whole();
    const { body } = this.#options;
    if (body === undefined || body === null) return undefined;
    if (isReadOnce(body)) return readWhole(body, this.mostBodyBytes || MOST_READ_UNASKED);
    const whole = isForm(body)
      ? this.#formAsResponse().clone()
      : new Response(body as ConstructorParameters<typeof Response>[0]);
    return new Uint8Array(await whole.arrayBuffer());
  }

  /** Made once: its boundary is in its type and in its body. The form may be of another copy of undici. */
  #formAsResponse(): Response {
    if (!this.#form) {
      const form = new FormData();
      for (const [name, value] of this.#options.body as FormData) form.append(name, value as string);
      this.#form = new Response(form);
    }
    return this.#form;
  }
}

function isForm(body: unknown): body is FormData {
  return typeof body === 'object' && body !== null && Object.prototype.toString.call(body) === '[object FormData]';
}

function isReadOnce(body: unknown): body is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body) || isForm(body)) return false;
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}
