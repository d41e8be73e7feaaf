import type { OutgoingCall } from '../outgoing/outgoing-call.ts';

/** Where a URL leads, without credentials and query. */
export function originParts(url: URL): Pick<OutgoingCall, 'origin' | 'host' | 'path'> {
  return { origin: url.origin, host: url.host, path: url.pathname };
}
