import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteSpool } from '../../src/breaker/neutral/spool/sqlite-spool.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runNode } from '../support/processes.ts';

const KILLS = 200;
/** Files that are worked on at the same time. */
const LANES = 2;
const PROGRAM = join(import.meta.dirname, '../support/spool-crash-main.ts');

test(`nothing acknowledged is lost by ${KILLS} kills, and each key keeps its order`, async () => {
  const lanes = Array.from({ length: LANES }, () => killOften(KILLS / LANES));
  const seen = await Promise.all(lanes);
  // That it was killed at work, and not before it came to it.
  expect(seen.reduce((sum, { appended }) => sum + appended, 0)).toBeGreaterThan(KILLS * 20);
  expect(seen.reduce((sum, { ended }) => sum + ended, 0)).toBeGreaterThan(KILLS * 10);
  expect(seen.reduce((sum, { atWork }) => sum + atWork, 0)).toBeGreaterThan(KILLS / 2);
}, 180_000);

async function killOften(kills: number) {
  const folder = temporaryFolder('spool-crash');
  const file = join(folder.path, 'calls.db');
  const log: string[] = [];
  let atWork = 0;
  for (let kill = 0; kill < kills; kill++) {
    const lines = await liveAndDie(file, kill * 1_000_000, kill % 5 === 0);
    if (lines.some((line) => line.startsWith('+'))) atWork++;
    log.push(...lines);
  }
  const counts = await verify(file, log);
  folder.remove();
  return { ...counts, atWork };
}

/** One life of the process. Returns what it said. */
async function liveAndDie(file: string, first: number, mayDieEarly: boolean): Promise<string[]> {
  const child = runNode(PROGRAM, [file, `${first}`]);
  if (!mayDieEarly) await child.waitForOutput(/open/, { everyMs: 2 });
  await new Promise((resolve) => setTimeout(resolve, Math.random() * (mayDieEarly ? 150 : 60)));
  await child.crash();
  const lines = child.output.split('\n');
  // The kill may have cut the last one.
  lines.pop();
  const strange = lines.filter((line) => !/^(open|[-+<~] \d+)$/.test(line));
  expect(strange, 'it did not fail by itself').toEqual([]);
  return lines;
}

async function verify(file: string, log: readonly string[]) {
  const spool = sqliteSpool(file);
  const { totals, damage } = await spool.open({ breaker: 'crash', wire: 'buffer' });
  expect(damage).toBeUndefined();
  const held = await spool.peek(1_000_000);
  await spool.close();
  const heldIds = new Set(held.map(({ id }) => id));
  const said = (sign: string) => log.filter((line) => line[0] === sign).map((line) => line.slice(2));
  const [appended, begun, ended] = [said('+'), new Set(said('~')), said('-')];

  expect(
    appended.filter((id) => !heldIds.has(id) && !begun.has(id)),
    'lost',
  ).toEqual([]);
  expect(
    ended.filter((id) => heldIds.has(id)),
    'held though it had ended',
  ).toEqual([]);
  const { received, replayed } = totals;
  expect(received).toBe(replayed + held.length);
  expect(received).toBeGreaterThanOrEqual(appended.length);
  expect(replayed).toBeGreaterThanOrEqual(ended.length);
  expect(replayed).toBeLessThanOrEqual(begun.size);
  for (const { id, input } of held) expect(input).toMatchObject({ id });
  expectOrder(
    log,
    new Set(appended),
    held.map(({ id }) => id),
  );
  return { appended: appended.length, ended: ended.length };
}

/** That no call was taken while an older one of its key had not come to its end, and that those held are in order. */
function expectOrder(log: readonly string[], appended: ReadonlySet<string>, held: readonly string[]): void {
  const open = new Map<number, Set<number>>();
  for (const id of [...appended].map(Number).sort((a, b) => a - b)) {
    const key = id % 5;
    open.set(key, (open.get(key) ?? new Set()).add(id));
  }
  for (const line of log) {
    const id = Number(line.slice(2));
    const ofKey = open.get(id % 5);
    if (line[0] === '~') ofKey?.delete(id);
    if (line[0] !== '<') continue;
    const [oldest = id] = ofKey ?? [];
    expect(oldest, `when ${id} was taken`).toBeGreaterThanOrEqual(id);
  }
  for (let key = 0; key < 5; key++) {
    const ofKey = held.map(Number).filter((id) => id % 5 === key);
    expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
  }
}
