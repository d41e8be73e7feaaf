import type { Breaker } from '@switchgear/breaker';
import type { HttpRequest } from './http-request.ts';
import type { HttpWire } from './http-wire.ts';

/** Most bytes of the request's body that a wire of the breaker may need; 0 where none does. */
export function requestBytesAsked(breaker: Breaker, request: HttpRequest): number {
  let most = 0;
  for (const wire of breaker.neutralWires as readonly HttpWire[]) {
    most = Math.max(most, wire.requestBytes?.(request) ?? 0);
  }
  return most;
}
