import type { HttpRequest } from './http-request.ts';
import type { KeptBody } from './keep-body.ts';

/** A request that its client has a URL for, and the body of which is kept only where a wire asks for it. */
export abstract class UrlRequest implements HttpRequest {
  abstract readonly client: string;
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  /** Most bytes of the body that are kept for the wires. To be set before it is sent. */
  mostBodyBytes = 0;
  /** A body that can be read once, when it is sent. */
  protected kept: KeptBody | undefined = undefined;
  #whole: Promise<Uint8Array | undefined> | undefined = undefined;

  protected constructor({ href, origin, host, pathname }: URL, method: string) {
    this.method = method.toUpperCase();
    this.url = href;
    this.origin = origin;
    this.host = host;
    this.path = pathname;
  }

  abstract headers(): Readonly<Record<string, string>>;

  body(): Promise<Uint8Array | undefined> {
    this.#whole ??= this.readBody();
    return this.#whole;
  }

  /** It is over, and no wire will ask for its body any more. */
  letGo(): void {
    this.kept?.letGo();
  }

  protected abstract readBody(): Promise<Uint8Array | undefined>;
}

/** Undefined where it is no URL of HTTP: the client itself says so then. */
export function httpUrl(text: string, base?: string): URL | undefined {
  const url = URL.parse(text, base);
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}
