/** What is between two hops (RFC 9110, 7.6.1), and what a client makes anew for each request. */
const OF_ONE_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const OF_ONE_REQUEST = new Set(['host', 'content-length', 'expect', 'traceparent', 'tracestate']);

/** The headers of a message without those of its connection: `connection`, those it names, and their like. */
export function endToEndHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_ONE_HOP.has(name) && !named.includes(name)));
}

/** Those of a request that is sent once more: another connection, another trace. */
export function headersToSendAgain(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(endToEndHeaders(headers)).filter(([name]) => !OF_ONE_REQUEST.has(name)));
}
