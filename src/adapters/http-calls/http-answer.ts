import { type Check, InvalidInputError, integer, object } from '@switchgear/conventions';
import { headerRecord } from './http-checks.ts';

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

const isBody: Check = (value, field) =>
  typeof value === 'string' || value instanceof Uint8Array ? [] : [{ field, rule: 'must be text or bytes', value }];
const isJson: Check = (value, field) => (canBeJson(value) ? [] : [{ field, rule: 'must be a value of JSON', value }]);

/** The rule of each option. */
export const ANSWER_CHECKS = {
  status: integer(200, 599),
  headers: headerRecord,
  body: isBody,
  json: isJson,
} as const satisfies Record<keyof HttpAnswerOptions, Check>;
const checkOptions = object({}, ANSWER_CHECKS);

/**
 * What a fallback wire on an HTTP breaker answers with.
 * @throws InvalidInputError for an option out of its range
 * @example fallbackWire(() => httpAnswer({ status: 503, json: { error: 'back soon' } }));
 */
export function httpAnswer(options: HttpAnswerOptions = {}): HttpAnswer {
  const problems = checkOptions(options, '');
  if (options?.body !== undefined && options.json !== undefined) {
    problems.push({ field: 'json', rule: 'must not stand beside a body', value: options.json });
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  const { status = 200, headers = {}, body, json } = options;
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (json !== undefined) {
    return new HttpAnswer(status, { 'content-type': 'application/json', ...given }, Buffer.from(JSON.stringify(json)));
  }
  return new HttpAnswer(status, given, typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array()));
}

function canBeJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
