import { expect, test } from 'vitest';
import { endToEndHeaders, headersToSendAgain } from '../../../src/adapters/http-calls/end-to-end-headers.ts';
import { joinedHeaders } from '../../../src/adapters/http-calls/joined-headers.ts';

test.each<[string, unknown]>([
  ['a record', { 'X-A': ['1', '2'], b: 3, c: undefined }],
  [
    'pairs',
    [
      ['X-A', '1'],
      ['x-a', '2'],
      ['b', '3'],
    ],
  ],
  ['a list', ['X-A', '1', 'x-a', '2', 'b', 3]],
  ['bytes', [Buffer.from('X-A'), Buffer.from('1, 2'), Buffer.from('b'), Buffer.from('3')]],
  [
    'a map',
    new Map([
      ['X-A', '1, 2'],
      ['b', '3'],
    ]),
  ],
  [
    'headers of fetch',
    new Headers([
      ['X-A', '1'],
      ['x-a', '2'],
      ['b', '3'],
    ]),
  ],
])('headers as %s are joined by lower-case name', (_, given) => {
  expect(joinedHeaders(given)).toEqual({ 'x-a': '1, 2', b: '3' });
});

test.each([undefined, null, 'text', [], {}])('%j has no headers', (given) => {
  expect(joinedHeaders(given)).toEqual({});
});

test('what is between two hops is left out, and what the connection names', () => {
  const kept = { accept: 'text/plain', authorization: 'Bearer a', 'content-length': '5', host: 'a', traceparent: '00' };
  const ofHop = {
    connection: 'X-Hop, close',
    'x-hop': '1',
    te: 'trailers',
    upgrade: 'h2c',
    'transfer-encoding': 'chunked',
  };
  expect(endToEndHeaders({ ...kept, ...ofHop })).toEqual(kept);
  expect(headersToSendAgain({ ...kept, ...ofHop })).toEqual({ accept: 'text/plain', authorization: 'Bearer a' });
});
