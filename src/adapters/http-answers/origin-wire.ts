import { type DivertedCall, fallbackWire, WireRefusedError } from '@switchgear/breaker';
import { breakerName, InvalidInputError, integer, object } from '@switchgear/conventions';
import { BodyTooLargeError } from '../http-calls/body-too-large-error.ts';
import { decodedHeaders, isDecoded } from '../http-calls/decode-body.ts';
import { endToEndHeaders, headersToSendAgain } from '../http-calls/end-to-end-headers.ts';
import { HttpAnswer } from '../http-calls/http-answer.ts';
import { httpOrigin, methodList } from '../http-calls/http-checks.ts';
import type { HttpRequest } from '../http-calls/http-request.ts';
import type { HttpWire } from '../http-calls/http-wire.ts';
import { readWhole } from '../http-calls/keep-body.ts';
import { unguardedUntilSettled } from '../outgoing/unguarded.ts';
import { requestOfMethod } from './request-of.ts';

export interface OriginWireOptions {
  /** Default `origin`. */
  readonly name?: string;
  /** Scheme, host and port of the other server, such as `https://replica.example.com`. */
  readonly origin: string;
  /** The methods that it sends on, in capitals; default: all. */
  readonly methods?: readonly string[];
  /** Most bytes of a request's body and of the answer's, 1 to 268,435,456; default 1,048,576. */
  readonly maxBodyBytes?: number;
}

const checkOptions = object(
  { origin: httpOrigin },
  { name: breakerName, methods: methodList, maxBodyBytes: integer(1, 256 * 1024 * 1024) },
);

/**
 * A wire that sends the same request to another origin, with no breaker around it: path, query, headers with the caller's
 * credentials, and body. It fails, and the next wire is asked, where there is no answer or one of 500 and above. The call
 * that tripped the breaker may have been done already: a request that is none of reading has an `idempotency-key`, the
 * caller's or one that is made.
 * @throws InvalidInputError for an option out of its range
 * @example originWire({ origin: 'https://replica.example.com', methods: ['GET'] });
 */
export function originWire(options: OriginWireOptions): HttpWire {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  const { name = 'origin', origin, methods, maxBodyBytes = 1_048_576 } = options;
  const send = async (call: DivertedCall, request: HttpRequest) => {
    const url = new URL(request.url);
    const body = await request.body();
    // Another wire may have asked for more.
    if (body && body.byteLength > maxBodyBytes) throw new BodyTooLargeError(maxBodyBytes);
    const response = await unguardedUntilSettled(() =>
      fetch(`${new URL(origin).origin}${url.pathname}${url.search}`, {
        method: request.method,
        headers: headersOf(call, request),
        // A blob, for the fetch of Node.js 22 as in send-kept.ts.
        body: body ? new Blob([Uint8Array.from(body)]) : null,
        signal: call.signal ?? null,
      }),
    );
    if (response.status >= 500) {
      await response.body?.cancel();
      throw new WireRefusedError(name, `it answered ${response.status}`);
    }
    return answerOf(response, maxBodyBytes);
  };
  return {
    // Declined at once where it is for other methods.
    ...fallbackWire((call) => send(call, requestOfMethod(call, name, methods)), { name }),
    requestBytes: ({ method }) => (!methods || methods.includes(method) ? maxBodyBytes : 0),
  };
}

/** RFC 9110, 9.2.1. */
const READING = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

function headersOf({ idempotencyKey }: DivertedCall, request: HttpRequest): Readonly<Record<string, string>> {
  const headers = headersToSendAgain(request.headers());
  return READING.includes(request.method) ? headers : { 'idempotency-key': idempotencyKey, ...headers };
}

async function answerOf(response: Response, mostBytes: number): Promise<HttpAnswer> {
  const headers = endToEndHeaders(Object.fromEntries(response.headers));
  const body = response.body ? await readWhole(response.body, mostBytes) : new Uint8Array();
  return new HttpAnswer(response.status, isDecoded(headers) ? decodedHeaders(headers) : headers, body);
}
