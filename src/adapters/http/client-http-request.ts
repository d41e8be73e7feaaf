import type { ClientRequest } from 'node:http';
import type { HttpRequest } from '../http-calls/http-request.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import { MOST_READ_UNASKED } from '../http-calls/keep-body.ts';
import { type ConnectOptions, opened } from './node-internals.ts';
import { RequestBody } from './request-body.ts';

/** A request of node:http as its guard sees it. */
export class ClientHttpRequest implements HttpRequest {
  readonly client = 'http';
  readonly method: string;
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  readonly #target: string;
  readonly #request: ClientRequest;
  /** Undefined where no wire asked for it. */
  recorded: RequestBody | undefined = undefined;

  constructor(request: ClientRequest, options: ConnectOptions) {
    this.#request = request;
    this.method = request.method;
    const { protocol, path } = request;
    // To a proxy the whole URL is sent, and it is the target that is well or unwell.
    const absolute = path.startsWith('http://') || path.startsWith('https://') ? parseUrl(path) : undefined;
    if (absolute) {
      this.origin = absolute.origin;
      this.host = absolute.host;
      this.#target = absolute.pathname + absolute.search;
    } else if (options.socketPath) {
      this.host = options.socketPath;
      this.origin = `${protocol.slice(0, -1)}+unix://${encodeURIComponent(options.socketPath)}`;
      this.#target = path;
    } else {
      this.host = hostOf(options, protocol);
      this.origin = `${protocol}//${this.host}`;
      this.#target = path;
    }
    const query = this.#target.indexOf('?');
    this.path = query === -1 ? this.#target : this.#target.slice(0, query);
  }

  get url(): string {
    return this.#target.startsWith('/') ? this.origin + this.#target : this.origin;
  }

  headers(): Readonly<Record<string, string>> {
    const request = opened(this.#request);
    const headers = request.getHeaders();
    // Given as an array, they are nowhere but in the head as it will be sent.
    if (request._header !== null && Object.keys(headers).length === 0) return headersOf(request._header);
    return joinedHeaders(headers);
  }

  async body(): Promise<Uint8Array | undefined> {
    const head = opened(this.#request)._header;
    if (!this.recorded && head !== null) {
      // Its caller has begun to send it.
      if (!announcesBody(headersOf(head))) return undefined;
      throw new TypeError('The body of a request of node:http is kept where a wire asks for it by requestBytes');
    }
    this.recorded ??= RequestBody.of(this.#request, MOST_READ_UNASKED);
    return this.recorded.whole();
  }
}

function announcesBody(headers: Readonly<Record<string, string>>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function hostOf({ host, port }: ConnectOptions, protocol: string): string {
  const name = host || 'localhost';
  const bracketed = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  const own = protocol === 'https:' ? 443 : 80;
  return port === undefined || port === null || Number(port) === own ? bracketed : `${bracketed}:${port}`;
}

function parseUrl(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function headersOf(head: string): Readonly<Record<string, string>> {
  return joinedHeaders(
    head
      .split('\r\n')
      .slice(1)
      .flatMap((line) => {
        const colon = line.indexOf(':');
        return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]];
      }),
  );
}
