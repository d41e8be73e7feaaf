import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { bufferWire, isReceipt, memorySpool, type Spool, SpoolError } from '../../../src/breaker/index.ts';
import { makeBreaker } from '../support.ts';
import { makeBuffered, RULES, statsOf } from './support.ts';

test('a receipt written down says which call it is for, and nothing of its input', async () => {
  const { breaker, call } = makeBuffered();
  breaker.trip();
  const receipt = await call(7);
  expect(JSON.parse(JSON.stringify(receipt))).toEqual({
    id: `${breaker.name}/buffer/1`,
    breaker: breaker.name,
    wire: 'buffer',
  });
  expect(isReceipt({ ...(receipt as object) })).toBe(true);
  await breaker.close();
});

test('a receipt that is kept does not keep the input of a call that has ended', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [bufferWire()] });
  const call = breaker.protect(async (input: object) => Object.keys(input).length);
  breaker.trip();
  let inputs: object[] = [{ order: 1 }];
  const input = new WeakRef(inputs[0]!);
  const receipt = await call(inputs[0]!);
  inputs = [];
  breaker.reset();
  await clock.advance(1_000);
  collectGarbage();
  expect(input.deref()).toBeUndefined();
  expect(isReceipt(receipt) && (await receipt.done())).toBe(1);
  await breaker.close();
});

test('what a look into a buffer in memory shows is plain data, which later attempts do not change', async () => {
  const { breaker, clock, call, wire, dependency } = makeBuffered({ backoff: { baseMs: 10_000 } });
  breaker.configure({ trip: { failures: 1_000 } });
  breaker.trip();
  await call(7, { key: 'jo', idempotencyKey: 'order 7' });
  const [seen] = await wire.peek();
  const divertedAt = clock.wallMs();
  expect(JSON.parse(JSON.stringify(seen))).toEqual({
    id: `${breaker.name}/buffer/1`,
    operation: 'answer',
    input: 7,
    key: 'jo',
    idempotencyKey: 'order 7',
    divertedAt,
    expiresAt: divertedAt + 3_600_000,
    sizeBytes: 1,
    attempts: 0,
  });
  dependency.well = false;
  breaker.reset();
  await clock.advance(100);
  expect(await wire.peek()).toMatchObject([{ attempts: 1 }]);
  expect(seen?.attempts).toBe(0);
  await breaker.close();
});

test('a spool of one’s own that is not in memory gets plain data', async () => {
  const appended: unknown[] = [];
  const inner = memorySpool();
  const spool = new Proxy(inner, {
    get(target, property) {
      if (property === 'isByReference') return undefined;
      if (property === 'append') {
        return (call: Parameters<Spool['append']>[0]) => {
          appended.push({ ...call });
          return target.append(call);
        };
      }
      const value = Reflect.get(target, property, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { breaker, call } = makeBuffered({ spool });
  breaker.trip();
  await Promise.resolve();
  await call(7);
  expect(appended).toMatchObject([{ id: `${breaker.name}/buffer/1`, operation: 'answer', input: 7 }]);
  await breaker.close();
});

/** They were taken to be on their way into the spool for ever. */
test('calls that a spool refuses at once take no places of the buffer', async () => {
  const spool = memorySpool();
  let isFull = true;
  const append = spool.append.bind(spool);
  spool.append = (call) => {
    if (isFull) throw new SpoolError('SPOOL_FAILED', 'it is full');
    return append(call);
  };
  const wire = bufferWire({ spool, capacity: 2 });
  const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
  const call = breaker.protect(async (input: number) => input);
  breaker.trip();
  for (let input = 0; input < 5; input++) await expect(call(input)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  isFull = false;
  expect(isReceipt(await call(1))).toBe(true);
  expect(isReceipt(await call(2))).toBe(true);
  expect(statsOf(breaker)).toMatchObject({ buffered: 2, depth: 2, failed: 5, dropped: 0 });
  await breaker.close();
});
