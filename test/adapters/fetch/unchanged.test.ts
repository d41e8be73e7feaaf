import { httpAnswer } from '@switchgear/adapters/http-answers';
import { createBreaker, fallbackWire, type NeutralWire } from '@switchgear/breaker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Upstream } from '../support/upstream.ts';
import { type Asked, type Seen, WAYS } from './ways.ts';

/** Calls whose outcome must be the same with a closed breaker as without one. */
const CALLS: Readonly<Record<string, readonly [path: string, asked?: () => Asked]>> = {
  'a plain one': ['/plain?a=1&b=%20'],
  'a body of text': ['/plain', () => ({ method: 'POST', body: 'text' })],
  'a body of bytes': ['/plain', () => ({ method: 'PUT', body: new Uint8Array([104, 105]) })],
  'a body in parts': ['/plain', () => ({ method: 'POST', body: parts('one', 'two') })],
  'a method of its own and headers': ['/plain', () => ({ method: 'PURGE', headers: { 'X-Case': 'Kept' } })],
  'a status text': ['/created'],
  'no content': ['/empty'],
  'not modified': ['/unmodified'],
  'not found': ['/missing'],
  'a failure of the other side': ['/unwell'],
  'the head alone': ['/plain', () => ({ method: 'HEAD' })],
  'a redirect': ['/moved'],
  'a redirect that is not followed': ['/moved', () => ({ redirect: 'manual' })],
  'a redirect that is an error': ['/moved', () => ({ redirect: 'error' })],
  'two cookies': ['/cookies'],
  'a coding': ['/gzip'],
  'early hints': ['/hints'],
  chunks: ['/chunked'],
  'a large body': ['/large'],
  'a body that breaks off': ['/breaking'],
  'no HTTP at all': ['/garbage'],
  'a connection that is cut': ['/cut'],
  'an abort from the first': ['/plain', () => ({ signal: AbortSignal.abort(new Error('not wanted')) })],
  'a body that fails': ['/plain', () => ({ method: 'POST', body: broken() })],
  'a header that cannot be': ['/plain', () => ({ headers: { 'x-bad': 'a\nb' } })],
};

const WIRES: Readonly<Record<string, () => NeutralWire[]>> = {
  'without wires': () => [],
  'with a wire': () => [fallbackWire(() => httpAnswer({ status: 299 }))],
  'with a wire that keeps all bodies': () => [keeper()],
};

describe.each(Object.keys(WAYS))('through %s, a closed breaker changes nothing', (way) => {
  describe.each(Object.keys(WIRES))('%s', (wires) => {
    test.each(Object.keys(CALLS))('of %s', async (call) => {
      const upstream = await Upstream.start();
      const breaker = createBreaker(`unchanged ${way}`.slice(0, 60), {
        trip: { consecutive: 100 },
        telemetry: 'off',
        neutralWires: WIRES[wires]!(),
      });
      onTestFinished(() => breaker.close());
      const [path, asked] = CALLS[call]!;
      const plain = await outcome(() => WAYS[way]!(undefined).call(`${upstream.url}${path}`, asked?.()));
      const arrivedPlain = upstream.arrived.splice(0);
      const guarded = await outcome(() => WAYS[way]!(breaker).call(`${upstream.url}${path}`, asked?.()));
      expect(guarded).toEqual(plain);
      expect(upstream.arrived).toEqual(arrivedPlain);
    });

    test('of a server that is not there', async () => {
      const upstream = await Upstream.start();
      await upstream.refuse();
      const breaker = createBreaker(`unchanged ${way}`.slice(0, 60), {
        telemetry: 'off',
        neutralWires: WIRES[wires]!(),
      });
      onTestFinished(() => breaker.close());
      const plain = await outcome(() => WAYS[way]!(undefined).call(upstream.url));
      expect(await outcome(() => WAYS[way]!(breaker).call(upstream.url))).toEqual(plain);
      expect(breaker.stats().calls.failure).toBe(1);
    });
  });
});

type Outcome = Seen | { readonly error: unknown };

async function outcome(call: () => Promise<Seen>): Promise<Outcome> {
  try {
    return await call();
  } catch (error) {
    return { error: told(error) };
  }
}

/** What a caller can tell of an error, and of its causes. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, code, cause } = error as Error & { readonly code?: unknown };
  return { name, message: message.replace(/:\d+/g, ''), code, cause: told(cause) };
}

function keeper(): NeutralWire {
  const wire = fallbackWire(() => httpAnswer({ status: 299 }));
  const learnResponse = () => undefined;
  return Object.assign(wire, { requestBytes: () => 10_000, responseBytes: () => 10_000, learnResponse });
}

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('one');
  throw new Error('the file is gone');
}
