import { join } from 'node:path';
import { context, type Span, trace } from '@opentelemetry/api';
import { ATTR } from '@switchgear/conventions';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bufferWire, createBreaker, isReceipt, sqliteSpool } from '../../../src/breaker/index.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { closeBreakersAfterEach, NO_RULE } from '../support.ts';
import { registerContext, registerSdk } from './sdk.ts';

registerContext();
const sdk = registerSdk();
closeBreakersAfterEach();

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder('origins');
  sdk.forget();
});
afterEach(() => folder.remove());

/** The breaker and its spool's file, as each process of the service has them. */
function start(replayed: (order: number) => void = () => {}) {
  const spool = sqliteSpool(join(folder.path, 'payments.db'));
  const breaker = createBreaker('payments', {
    trip: { ...NO_RULE, failures: 1_000 },
    neutralWires: [bufferWire({ name: 'held', spool })],
  });
  const charge = breaker.protect(
    async (order: number) => {
      replayed(order);
      return order;
    },
    { name: 'charge' },
  );
  return { breaker, charge };
}

async function inRequest(run: () => Promise<unknown>): Promise<Span> {
  const span = trace.getTracer('app').startSpan('request', { root: true });
  expect(isReceipt(await context.with(trace.setSpan(context.active(), span), run))).toBe(true);
  span.end();
  return span;
}

test('a replay after a restart links to the request whose call was diverted before it', async () => {
  const before = start();
  before.breaker.trip();
  const requests = [await inRequest(() => before.charge(1)), await inRequest(() => before.charge(2))];
  expect(isReceipt(await before.charge(3))).toBe(true);
  await before.breaker.close();
  sdk.forget();

  const replayed: number[] = [];
  start((order) => replayed.push(order));
  const replays = () => sdk.spans().filter(({ attributes }) => attributes[ATTR.wireOutcome] === 'replayed');
  await expect.poll(() => replays().length, { timeout: 10_000 }).toBe(3);
  expect(replayed).toEqual([1, 2, 3]);
  const links = replays().map((span) => span.links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId })));
  // The last one came outside every trace.
  const origins = requests.map((request) => request.spanContext()).map(({ traceId, spanId }) => [{ traceId, spanId }]);
  expect(links).toEqual([...origins, []]);
  for (const span of replays()) expect(span.parentSpanContext).toBeUndefined();
});
