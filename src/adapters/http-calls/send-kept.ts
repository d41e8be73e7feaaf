import type { CallContext } from '@switchgear/breaker';
import { unguardedUntilSettled } from '../outgoing/unguarded.ts';
import type { KeptRequest, ResponseHead } from './http-request.ts';

/**
 * Sends a request that a buffer kept, with the idempotency key of the call that was diverted. Redirects are followed: nobody else
 * would. The response's body is let go.
 */
export async function sendKept(request: KeptRequest, context: CallContext): Promise<ResponseHead> {
  const { method, url, headers, body } = request;
  const response = await unguardedUntilSettled(() =>
    fetch(url, {
      method,
      headers: { ...headers, 'idempotency-key': context.idempotencyKey },
      // Bytes cannot be sent a second time, to where a redirect leads, by the fetch of Node.js 22: it has given them away.
      body: body === null ? null : new Blob([Buffer.from(body, 'base64')]),
      signal: context.signal,
    }),
  );
  await response.body?.cancel();
  return { status: response.status, headers: () => Object.fromEntries(response.headers) };
}
