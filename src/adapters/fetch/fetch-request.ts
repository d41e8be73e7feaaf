import { keepBody, MOST_READ_UNASKED, readWhole } from '../http-calls/keep-body.ts';
import { httpUrl, UrlRequest } from '../http-calls/url-request.ts';

type FetchInput = Parameters<typeof globalThis.fetch>[0];
type SendArguments = readonly [input: FetchInput, init: RequestInit | undefined];

/** What `fetch` knows of an option bag that is no plain object, such as another Request. */
const INIT_FIELDS = [
  'method',
  'headers',
  'body',
  'redirect',
  'signal',
  'duplex',
  'dispatcher',
  'credentials',
  'cache',
  'integrity',
  'keepalive',
  'mode',
  'referrer',
  'referrerPolicy',
  'window',
] as const;

/** The arguments of a `fetch`, as a request. What is not asked for is not found out, and no body is touched before it must be. */
export class FetchRequest extends UrlRequest {
  readonly client = 'fetch';
  readonly #input: FetchInput;
  readonly #init: RequestInit | undefined;
  /** Of the body of a Request, when it is sent. */
  #copy: Promise<Uint8Array> | undefined;
  #headers: Readonly<Record<string, string>> | undefined;
  #again: Request | undefined;

  /** Undefined where it is no HTTP request, or none at all: `fetch` itself says so then. */
  static of(input: FetchInput, init: RequestInit | undefined): FetchRequest | undefined {
    const url = httpUrl(isRequest(input) ? input.url : String(input));
    if (!url) return undefined;
    // To set it has the address parsed once more.
    if (url.hash !== '') url.hash = '';
    return new FetchRequest(url, input, init);
  }

  private constructor(url: URL, input: FetchInput, init: RequestInit | undefined) {
    super(url, String(init?.method ?? (isRequest(input) ? input.method : 'GET')));
    this.#input = input;
    this.#init = init;
  }

  /** The caller's. */
  get signal(): AbortSignal | undefined {
    const given = this.#init?.signal;
    if (given === null) return undefined;
    return given ?? (isRequest(this.#input) ? this.#input.signal : undefined);
  }

  headers(): Readonly<Record<string, string>> {
    this.#headers ??= Object.fromEntries(this.#readHeaders());
    return this.#headers;
  }

  /**
   * The arguments to call `fetch` with: those of the caller, but for what must be different.
   * @param deadline a signal of the breaker's own
   */
  toSend(deadline: AbortSignal | undefined): SendArguments {
    const body = this.mostBodyBytes > 0 ? this.#bodyToSend() : undefined;
    if (!deadline && !body) return [this.#input, this.#init];
    const init = copyOf(this.#init);
    const { signal } = this;
    if (deadline) init.signal = signal ? AbortSignal.any([signal, deadline]) : deadline;
    return [this.#input, body ? { ...init, body, duplex: 'half' } : init];
  }

  protected override async readBody(): Promise<Uint8Array | undefined> {
    if (this.kept) return this.kept.whole();
    if (this.#copy) return this.#copy;
    const given = this.#init?.body;
    if (given === undefined || given === null) {
      return isRequest(this.#input) && this.#input.body ? readWhole(this.#input.body, this.#mostRead()) : undefined;
    }
    if (this.#isReadOnce()) return readWhole(given as unknown as AsyncIterable<unknown>, this.#mostRead());
    return new Uint8Array(await this.#requestAgain().clone().arrayBuffer());
  }

  #readHeaders(): Headers {
    const { headers } = this.#init ?? {};
    // A body may bring its type along: that of a form has a boundary in it.
    if (!this.#isReadOnce() && this.#init?.body) return this.#requestAgain().headers;
    return headers || !isRequest(this.#input) ? new Headers(headers) : this.#input.headers;
  }

  #mostRead(): number {
    return this.mostBodyBytes || MOST_READ_UNASKED;
  }

  /** A body in place of one that can be read once; undefined where the caller's may be sent as it is. */
  #bodyToSend(): RequestInit['body'] | undefined {
    const given = this.#init?.body;
    if (given !== undefined && given !== null) {
      if (!this.#isReadOnce()) return undefined;
      this.kept = keepBody(given as unknown as AsyncIterable<unknown>, this.mostBodyBytes);
      return ReadableStream.from(this.kept.passing) as RequestInit['body'];
    }
    if (!isRequest(this.#input) || !this.#input.body || this.#input.bodyUsed) return undefined;
    // Its copy keeps the length, which a body that passes through has not.
    const { body } = this.#input.clone();
    this.#copy = readWhole(body as AsyncIterable<Uint8Array>, this.mostBodyBytes);
    this.#copy.catch(() => undefined);
    return undefined;
  }

  #isReadOnce(): boolean {
    const body: unknown = this.#init?.body;
    return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
  }

  /** The same request once more, for its headers and its body. */
  #requestAgain(): Request {
    const { method, headers, body } = this.#init ?? {};
    this.#again ??= new Request(this.url, { method: method ?? this.method, headers, body } as RequestInit);
    return this.#again;
  }
}

function isRequest(input: FetchInput): input is Request {
  return typeof input === 'object' && 'url' in input && 'method' in input;
}

function copyOf(init: RequestInit | undefined): RequestInit {
  const copy: Record<string, unknown> = { ...init };
  const given = (init ?? {}) as Record<string, unknown>;
  for (const field of INIT_FIELDS) if (given[field] !== undefined) copy[field] = given[field];
  return copy;
}
