import { httpAnswer, requestOf } from '@switchgear/adapters/http-answers';
import { fallbackWire, type NeutralWire } from '@switchgear/breaker';

/** A wire that reads the body of what it takes, of up to 1,000 bytes, and answers `202 kept`. */
export function bodyWire(bodies: unknown[]): NeutralWire {
  const wire = fallbackWire(async (call) => {
    bodies.push(String(Buffer.from((await requestOf(call).body()) ?? [])));
    return httpAnswer({ status: 202, body: 'kept' });
  });
  return Object.assign(wire, { requestBytes: () => 1_000 });
}
