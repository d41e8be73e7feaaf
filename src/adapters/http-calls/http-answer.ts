/** The answer of a neutral wire in place of a response. Made by `httpAnswer`. */
export class HttpAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;

  constructor(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

export interface HttpAnswerOptions {
  /** 200 to 599; default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, bytes, or with `json` any value. Default: empty. */
  readonly body?: string | Uint8Array;
  /** A body as JSON, with its content type. */
  readonly json?: unknown;
}

/** What a fallback wire on an HTTP breaker answers with. */
export function httpAnswer({ status = 200, headers = {}, body, json }: HttpAnswerOptions = {}): HttpAnswer {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (json !== undefined) {
    return new HttpAnswer(status, { 'content-type': 'application/json', ...given }, Buffer.from(JSON.stringify(json)));
  }
  return new HttpAnswer(status, given, typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array()));
}
