import { type DivertedCall, WireRefusedError } from '@switchgear/breaker';
import type { HttpRequest } from '../http-calls/http-request.ts';

/**
 * The request of a diverted call, for a wire's handler.
 * @throws WireRefusedError, declined, where the call is none of HTTP
 * @example fallbackWire((call) => httpAnswer({ json: { path: requestOf(call).path } }));
 */
export function requestOf({ input }: Pick<DivertedCall, 'input'>, wire = 'http'): HttpRequest {
  if (typeof input === 'object' && input !== null && 'send' in input && 'request' in input) {
    return input.request as HttpRequest;
  }
  throw new WireRefusedError(wire, 'it is for calls of HTTP', true);
}

/**
 * The same, where it has one of these methods.
 * @throws WireRefusedError, declined, where it has not
 */
export function requestOfMethod(
  call: Pick<DivertedCall, 'input'>,
  wire: string,
  methods: readonly string[] | undefined,
): HttpRequest {
  const request = requestOf(call, wire);
  if (!methods || methods.includes(request.method)) return request;
  throw new WireRefusedError(wire, `it is for ${methods.join(', ')}`, true);
}
