import { createHash } from 'node:crypto';
import {
  type CachedAnswer,
  cacheWire,
  type DivertedCall,
  type GoodCall,
  type NeutralWire,
  type WireAnswer,
  WireRefusedError,
} from '@switchgear/breaker';
import { breakerName, type Check, InvalidInputError, integer, object } from '@switchgear/conventions';
import { codingsOf, decodeBody, decodedHeaders } from '../http-calls/decode-body.ts';
import { endToEndHeaders } from '../http-calls/end-to-end-headers.ts';
import { HttpAnswer } from '../http-calls/http-answer.ts';
import { methodList } from '../http-calls/http-checks.ts';
import type { HttpRequest, ResponseHead } from '../http-calls/http-request.ts';
import type { HttpWire } from '../http-calls/http-wire.ts';
import { mayKeep, mayShare, variantOf } from './cacheable.ts';
import { requestOf, requestOfMethod } from './request-of.ts';

export interface HttpCacheOptions {
  /** Default `cache`. */
  readonly name?: string;
  /** Most responses kept, 1 to 1,000,000; default 1,000. Beyond it the one goes that was used least recently. */
  readonly maxItems?: number;
  /** Milliseconds after which a response is too old to answer with, 1 to 86,400,000; default 300,000 (five minutes). */
  readonly maxAgeMs?: number;
  /** Most bytes of a body that is kept, 1 to 16,777,216; default 65,536. */
  readonly maxBodyBytes?: number;
  /** The methods that it learns from and answers, in capitals; default GET and HEAD. */
  readonly methods?: readonly string[];
  /** Whether requests with `authorization` or `cookie` have part in it, each with answers of its own; default false. */
  readonly withAuthorization?: boolean;
}

const isBoolean: Check = (value, field) =>
  typeof value === 'boolean' ? [] : [{ field, rule: 'must be true or false', value }];
const checkOptions = object(
  {},
  {
    name: breakerName,
    maxItems: integer(1, 1_000_000),
    maxAgeMs: integer(1, 86_400_000),
    maxBodyBytes: integer(1, 16 * 1024 * 1024),
    methods: methodList,
    withAuthorization: isBoolean,
  },
);

/**
 * A wire that answers with the last good response to the same method and URL. It learns whole responses of 2xx, and never
 * those with `set-cookie`, `cache-control: no-store` or `private`, or to a request with `authorization` or `cookie`. It does not ask how long they were meant
 * to be fresh: they are for the time of an outage, and carry `age` and `switchgear-cached: stale`. Memory: at most
 * `maxItems` times `maxBodyBytes` and some KB for headers.
 * @throws InvalidInputError for an option out of its range
 * @example createBreaker('prices', { neutralWires: [httpCache({ maxAgeMs: 60_000 })] });
 */
export function httpCache(options: HttpCacheOptions = {}): HttpWire {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return new HttpCache(options);
}

class HttpCache implements HttpWire {
  readonly name: string;
  readonly kind = 'cache';
  readonly #answers: NeutralWire<CachedAnswer>;
  readonly #methods: readonly string[];
  readonly #maxBodyBytes: number;
  readonly #withAuthorization: boolean;
  /** Good calls whose bodies are on their way. */
  readonly #good = new WeakMap<HttpRequest, GoodCall>();
  /** What the request of an answer said of the headers that it varies by. */
  readonly #variants = new WeakMap<HttpAnswer, string>();

  constructor({
    name = 'cache',
    maxItems = 1_000,
    maxAgeMs = 300_000,
    maxBodyBytes = 65_536,
    methods = ['GET', 'HEAD'],
    withAuthorization = false,
  }: HttpCacheOptions) {
    this.name = name;
    this.#methods = methods;
    this.#maxBodyBytes = maxBodyBytes;
    this.#withAuthorization = withAuthorization;
    this.#answers = cacheWire({ name, maxEntries: maxItems, maxAgeMs, keyOf: (call) => keyOf(requestOf(call, name)) });
  }

  learn(call: GoodCall, result: unknown): void {
    const request = requestOf(call, this.name);
    if (!this.#methods.includes(request.method) || !mayShare(request, this.#withAuthorization)) return;
    if (mayKeep(request, result as ResponseHead)) this.#good.set(request, call);
  }

  responseBytes(request: HttpRequest): number {
    return this.#good.has(request) ? this.#maxBodyBytes : 0;
  }

  learnResponse(request: HttpRequest, answer: HttpAnswer): void {
    const call = this.#good.get(request);
    if (!call) return;
    this.#good.delete(request);
    const codings = answer.body.byteLength > 0 ? codingsOf(answer.headers) : [];
    if (codings.length === 0) {
      this.#keep(call, request, new HttpAnswer(answer.status, endToEndHeaders(answer.headers), answer.body));
      return;
    }
    // Decoded, since who gets it may not know the coding that its first caller asked for.
    decodeBody(answer.body, codings, this.#maxBodyBytes).then(
      (body) => {
        const headers = decodedHeaders(endToEndHeaders(answer.headers));
        this.#keep(call, request, new HttpAnswer(answer.status, headers, body));
      },
      // One that cannot be decoded within the bounds is not kept.
      () => undefined,
    );
  }

  take(call: DivertedCall): WireAnswer<CachedAnswer> {
    const request = requestOfMethod(call, this.name, this.#methods);
    if (!mayShare(request, this.#withAuthorization)) throw this.#decline('the request is for its caller alone');
    const answer = this.#answers.take(call) as WireAnswer<CachedAnswer<HttpAnswer>>;
    const kept = answer.value.value;
    if (variantOf(request, kept.headers) === this.#variants.get(kept)) return answer;
    throw this.#decline('its last good response is of another variant');
  }

  close(options: { readonly drainForMs: number }): Promise<unknown> {
    return this.#answers.close?.(options) ?? Promise.resolve();
  }

  #keep(call: GoodCall, request: HttpRequest, answer: HttpAnswer): void {
    this.#variants.set(answer, variantOf(request, answer.headers));
    this.#answers.learn?.(call, answer);
  }

  #decline(why: string): WireRefusedError {
    return new WireRefusedError(this.name, why, true);
  }
}

/** Beyond it an address is told by its hash: a key of a cache has at most 1,024 characters. */
const LONGEST_ADDRESS = 800;

function keyOf(request: HttpRequest): string {
  const { method, url } = request;
  const { authorization, cookie } = request.headers();
  const address = url.length > LONGEST_ADDRESS ? hash(url) : url;
  const caller =
    authorization === undefined && cookie === undefined ? '' : hash(JSON.stringify([authorization, cookie]));
  return `${method} ${address} ${caller}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
