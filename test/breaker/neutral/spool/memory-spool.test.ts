import { expect, test } from 'vitest';
import { memorySpool } from '../../../../src/breaker/neutral/spool/memory-spool.ts';
import type { SpooledCall } from '../../../../src/breaker/neutral/spool/spool.ts';

const NOW = 1_800_000_000_000;

function call(id: string, key: string | undefined): SpooledCall {
  return {
    id,
    operation: 'charge',
    input: undefined,
    key,
    idempotencyKey: id,
    divertedAt: NOW,
    expiresAt: NOW + 1_000,
    sizeBytes: 1,
    attempts: 0,
  };
}

test('a take that passes thousands of calls of one key lets others have their turn meanwhile', async () => {
  const spool = memorySpool();
  await spool.open({ breaker: 'b', wire: 'w' });
  for (let number = 0; number < 12_000; number++) await spool.append(call(`${number}`, 'stuck'));
  await spool.append(call('free', undefined));
  let turns = 0;
  let isDone = false;
  const countTurn = () => {
    turns += 1;
    if (!isDone) setImmediate(countTurn);
  };
  setImmediate(countTurn);
  const taken = await spool.take(2, NOW);
  isDone = true;
  expect(taken.map(({ id }) => id)).toEqual(['0', 'free']);
  expect(turns).toBeGreaterThanOrEqual(2);
});

test('what is ended while a take is under way is not handed out', async () => {
  const spool = memorySpool();
  await spool.open({ breaker: 'b', wire: 'w' });
  for (let number = 0; number < 6_000; number++) await spool.append(call(`${number}`, 'stuck'));
  const taking = spool.take(2, NOW);
  await spool.end('0', { kind: 'dropped', reason: 'shutdown' });
  expect((await taking).map(({ id }) => id)).toEqual(['1']);
  expect(spool.load()).toMatchObject({ depth: 5_999, sizeBytes: 5_999 });
});
