import { stringify } from 'node:querystring';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import { keepBody, MOST_READ_UNASKED, readWhole } from '../http-calls/keep-body.ts';
import { httpUrl, UrlRequest } from '../http-calls/url-request.ts';
import type { DispatchOptions } from './dispatcher.ts';

/** The options of a dispatch, as a request. */
export class DispatchRequest extends UrlRequest {
  readonly client = 'undici';
  readonly #options: DispatchOptions;
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
    const url = httpUrl(String(whole), base === undefined ? base : String(base));
    return url && new DispatchRequest(url, options);
  }

  private constructor(url: URL, options: DispatchOptions) {
    super(url, String(options.method ?? 'GET'));
    this.#options = options;
  }

  headers(): Readonly<Record<string, string>> {
    if (!this.#headers) {
      const given = joinedHeaders(this.#options.headers);
      const type = isForm(this.#options.body) ? this.#formAsResponse().headers.get('content-type') : null;
      this.#headers = type === null ? given : { 'content-type': type, ...given };
    }
    return this.#headers;
  }

  /** The options of the caller, but for a body that can be read once and that a wire may need. */
  toSend(): DispatchOptions {
    const { body } = this.#options;
    if (this.mostBodyBytes === 0 || !isReadOnce(body)) return this.#options;
    this.kept = keepBody(body, this.mostBodyBytes);
    return { ...this.#options, body: this.kept.passing };
  }

  protected override async readBody(): Promise<Uint8Array | undefined> {
    if (this.kept) return this.kept.whole();
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
