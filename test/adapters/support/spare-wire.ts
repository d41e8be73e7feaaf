import { httpAnswer } from '@switchgear/adapters/http-answers';
import { fallbackWire, type NeutralWire } from '@switchgear/breaker';

/** A wire that answers each call with the JSON `{"spare":true}`. */
export function spareWire(): NeutralWire {
  return fallbackWire(() => httpAnswer({ json: { spare: true } }));
}
