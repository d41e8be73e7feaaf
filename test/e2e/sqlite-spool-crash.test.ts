import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sqliteSpool } from '../../src/breaker/neutral/spool/sqlite-spool.ts';
import { temporaryFolder } from '../support/folders.ts';
import { keyOf, numbersSaid, orderBreaches } from '../support/key-order.ts';
import { runNode } from '../support/processes.ts';

/** Files that are worked on at the same time. */
const LANES = 2;
const BUFFER = join(import.meta.dirname, '../support/buffer-crash-main.ts');
const SPOOL = join(import.meta.dirname, '../support/spool-crash-main.ts');

/** What the processes compile is kept, which saves each two thirds of its start. Only one that ends well keeps it. */
const compiled = temporaryFolder('compiled');
const env = { NODE_COMPILE_CACHE: compiled.path };
afterAll(() => compiled.remove());
beforeAll(async () => {
  const folder = temporaryFolder('spool-crash');
  expect(await runNode(BUFFER, [join(folder.path, 'calls.db')], { env }).ended).toBe(0);
  folder.remove();
});

test('every receipt of processes that were killed 200 times is replayed at last, in the order of its key', async () => {
  const logs = await killOften(BUFFER, 200, async (file) => {
    const child = runNode(BUFFER, [file], { env });
    await child.waitForOutput(/^empty$/m, { deadlineMs: 60_000 });
    expect(await child.ended).toBe(0);
    return child.output.split('\n');
  });
  for (const log of logs) {
    const receipts = numbersSaid(log, '+');
    const replays = numbersSaid(log, 'r');
    const replayed = new Set(replays);
    expect(receipts.filter((receipt) => !replayed.has(receipt))).toEqual([]);
    // A replay whose end a kill cut off comes again: the latest one of its key, and no older one.
    for (const ofKey of Map.groupBy(replays, keyOf).values()) expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
    expect(receipts.length, 'receipts').toBeGreaterThan(1_000);
    // Of the replays, those of the last process, which was not killed, are the lesser part.
    expect(log.slice(0, log.lastIndexOf('open')).filter((line) => line.startsWith('r')).length).toBeGreaterThan(500);
  }
}, 240_000);

test('what a spool has acknowledged is held or ended after 60 kills, in the order of its key, with its counters', async () => {
  const logs = await killOften(SPOOL, 60, async (file) => {
    const spool = sqliteSpool(file);
    const { totals, damage } = await spool.open({ breaker: 'crash', wire: 'buffer' });
    const held = await spool.peek(1_000_000);
    await spool.close();
    expect(damage).toBeUndefined();
    for (const { id, input } of held) expect(input).toMatchObject({ id });
    expect(totals.received).toBe(totals.replayed + held.length);
    return [`received ${totals.received}`, `replayed ${totals.replayed}`, ...held.map(({ id }) => `= ${id}`)];
  });
  for (const log of logs) {
    const [appended, begun, ended, held] = ['+', '~', '-', '='].map((sign) => numbersSaid(log, sign)) as number[][];
    const isHeld = new Set(held);
    const isBegun = new Set(begun);
    expect(appended!.filter((id) => !isHeld.has(id) && !isBegun.has(id))).toEqual([]);
    expect(ended!.filter((id) => isHeld.has(id))).toEqual([]);
    expect(numbersSaid(log, 'received')[0]).toBeGreaterThanOrEqual(appended!.length);
    expect(numbersSaid(log, 'replayed')[0]).toBeGreaterThanOrEqual(ended!.length);
    expect(numbersSaid(log, 'replayed')[0]).toBeLessThanOrEqual(isBegun.size);
    expect(orderBreaches(log)).toEqual([]);
    expect(appended!.length, 'appended').toBeGreaterThan(500);
    expect(ended!.length, 'ended').toBeGreaterThan(100);
  }
}, 240_000);

/** Kills processes on a file per lane, and looks at each file in the end. Returns what was said of each. */
function killOften(program: string, kills: number, look: (file: string) => Promise<string[]>): Promise<string[][]> {
  return Promise.all(
    Array.from({ length: LANES }, async () => {
      const folder = temporaryFolder('spool-crash');
      const file = join(folder.path, 'calls.db');
      const log: string[] = [];
      for (let kill = 0; kill < kills / LANES; kill++) {
        log.push(...(await liveAndDie(program, [file, `${kill * 1_000_000}`], kill % 5 === 0)));
      }
      log.push(...(await look(file)));
      folder.remove();
      return log;
    }),
  );
}

/** One life of a process, until a random moment. Returns what it said. */
async function liveAndDie(program: string, args: readonly string[], mayDieEarly: boolean): Promise<string[]> {
  const child = runNode(program, args, { env });
  if (mayDieEarly) await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
  else {
    // By what it has said, so that it comes as far on a slow machine.
    const enough = Math.random() * 2_000;
    await child.waitUntil(`${enough} characters`, () => child.output.length > enough, { everyMs: 1 });
  }
  await child.crash();
  const lines = child.output.split('\n');
  // The kill may have cut the last one.
  lines.pop();
  expect(
    lines.filter((line) => !/^(open|\S \d+)$/.test(line)),
    'it did not fail by itself',
  ).toEqual([]);
  return lines;
}
