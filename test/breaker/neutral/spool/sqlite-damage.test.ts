import { copyFileSync, existsSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import type { Spool } from '../../../../src/breaker/neutral/spool/spool.ts';
import { sqliteSpool } from '../../../../src/breaker/neutral/spool/sqlite-spool.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { NOW, OWNER, spooledCall } from './support.ts';

const PAGE = 4_096;
const folders: { remove(): void }[] = [];
const spools: Spool[] = [];
afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close();
  for (const folder of folders.splice(0)) folder.remove();
});

function newFile(): string {
  const folder = temporaryFolder('damage');
  folders.push(folder);
  return join(folder.path, 'calls.db');
}

async function open(file: string) {
  const spool = sqliteSpool(file);
  const opening = await spool.open(OWNER);
  spools.push(spool);
  return { spool, ...opening, held: (await spool.peek(10_000)).map(({ id }) => id) };
}

/** A file with 2,000 calls of about 100 pages, closed well, of which 100 more were replayed and one is dead. */
async function fullFile(): Promise<string> {
  const file = newFile();
  const { spool } = await open(file);
  const input = 'x'.repeat(200);
  const add = (id: number) => spool.append(spooledCall(`${id}`, { input, key: `${id % 7}` }));
  await Promise.all(Array.from({ length: 2_101 }, (_, id) => add(id)));
  await spool.end('0', { kind: 'dead', at: NOW, error: 'no such account' });
  await Promise.all(Array.from({ length: 100 }, (_, id) => spool.end(`${id + 1}`, { kind: 'replayed' })));
  await spool.close();
  return file;
}

/** A file with its log, as a process leaves them that is killed: 20 calls in the file, 20 more in the log, each its own commit. */
async function fileWithLog(): Promise<string> {
  const file = newFile();
  const { spool } = await open(file);
  for (let id = 0; id < 20; id++) await spool.append(spooledCall(`${id}`));
  await spool.close();
  const again = await open(file);
  for (let id = 20; id < 40; id++) await again.spool.append(spooledCall(`${id}`));
  const copy = newFile();
  for (const end of ['', '-wal', '.lock']) copyFileSync(`${file}${end}`, `${copy}${end}`);
  return copy;
}

function overwrite(file: string, from: number, bytes: Buffer): void {
  const content = readFileSync(file);
  bytes.copy(content, from < 0 ? content.length + from : from);
  writeFileSync(file, content);
}

const garbage = (length: number) => Buffer.alloc(length, 'not a page of any spool ');

/** The damage keeps the counters true for what is there: received = replayed + dead + dropped + held. */
async function expectSalvaged(file: string, before: Buffer, most: number) {
  const opened = await open(file);
  const { totals, damage, held } = opened;
  expect(damage?.report).toContain(`it is kept in ${file}.damaged-1`);
  expect(readFileSync(`${file}.damaged-1`).equals(before)).toBe(true);
  expect(held.length).toBeLessThan(most);
  expect(held).toEqual([...held].sort((a, b) => Number(a) - Number(b)));
  expect(totals.received).toBe(totals.replayed + totals.dead + held.length);
  expect(opened.spool.load().depth).toBe(held.length);
  for (const extra of ['.damaged-copy', '.rebuilding', '.rebuilt']) expect(existsSync(`${file}${extra}`)).toBe(false);

  await opened.spool.append(spooledCall('after'));
  await opened.spool.close();
  const again = await open(file);
  expect(again.damage).toBeUndefined();
  expect(again.held).toEqual([...held, 'after']);
  return opened;
}

describe('a damaged file', () => {
  test.each([
    ['a torn last page', (file: string) => truncateSync(file, statSync(file).size - PAGE / 2)],
    ['the last ten pages missing', (file: string) => truncateSync(file, statSync(file).size - 10 * PAGE)],
    ['garbage in its last page', (file: string) => overwrite(file, -PAGE, garbage(PAGE))],
    ['garbage in its midst', (file: string) => overwrite(file, 40 * PAGE, garbage(5 * PAGE))],
  ])('with %s keeps what can be read, and says how many calls are lost', async (_, damageFile) => {
    const file = await fullFile();
    damageFile(file);
    const { damage, held, totals } = await expectSalvaged(file, readFileSync(file), 2_001);
    expect(damage?.lostCalls).toBe(2_000 - held.length);
    // A page has some ten calls.
    expect(held.length).toBeGreaterThan(1_700);
    expect(totals).toMatchObject({ replayed: 100, dead: 1 });
  });

  test('with its first page gone has nothing that can be read', async () => {
    const file = await fullFile();
    overwrite(file, 0, garbage(PAGE));
    const { damage, held } = await expectSalvaged(file, readFileSync(file), 1);
    expect(held).toEqual([]);
    expect(damage?.lostCalls).toBeUndefined();
  });

  test('with half of it gone goes on with what is left', async () => {
    const file = await fullFile();
    truncateSync(file, Math.floor(statSync(file).size / 2 / PAGE) * PAGE);
    const { damage, held } = await expectSalvaged(file, readFileSync(file), 1_900);
    expect(held.length).toBeGreaterThan(100);
    expect(damage?.lostCalls).toBe(2_000 - held.length);
  });

  test('that lost calls without a trace in its pages is found by its counters', async () => {
    const file = await fullFile();
    const database = new DatabaseSync(file);
    database.exec('DELETE FROM call WHERE place % 2 = 0');
    database.close();
    const { damage, held } = await expectSalvaged(file, readFileSync(file), 2_000);
    expect(damage?.lostCalls).toBe(2_000 - held.length);
  });

  test('that is empty is told of, since it may have held calls', async () => {
    const file = await fullFile();
    writeFileSync(file, '');
    const { damage, held } = await open(file);
    expect([damage?.lostCalls, held]).toEqual([undefined, []]);
    expect(damage?.report).toContain('without a byte');
  });

  test('one after the other gets a name of its own', async () => {
    const file = await fullFile();
    for (const number of [1, 2]) {
      overwrite(file, -PAGE, garbage(PAGE));
      const { spool, damage } = await open(file);
      expect(damage?.report).toContain(`${file}.damaged-${number}`);
      await spool.close();
    }
  });

  test('a crash in the midst of the swap is made good, and the report is not lost', async () => {
    const file = await fullFile();
    const copy = newFile();
    copyFileSync(file, copy);
    overwrite(file, -PAGE, garbage(PAGE));
    const { spool, held } = await open(file);
    await spool.close();
    // As it is left between the two renames: the damaged one aside, the new one under its first name.
    writeFileSync(`${copy}.lock`, '');
    renameSync(copy, `${copy}.damaged-1`);
    copyFileSync(file, `${copy}.rebuilt`);
    const marked = new DatabaseSync(`${copy}.rebuilt`);
    marked.exec("UPDATE ledger SET value = 'it was damaged' WHERE name = 'damage'");
    marked.close();
    const again = await open(copy);
    expect(again.held).toEqual(held);
    expect(again.damage?.report).toBe('it was damaged');
  });

  test('a call that cannot be read stays held, and holds up no other key', async () => {
    const file = await fullFile();
    const database = new DatabaseSync(file);
    database.exec(`UPDATE call SET input = '{"order' WHERE id IN ('101', '102')`);
    database.close();
    const spool = sqliteSpool(file);
    spools.push(spool);
    expect((await spool.open(OWNER)).damage).toBeUndefined();
    // Calls 101 and 102 are the oldest of their keys, of which there are seven.
    expect((await spool.take(6, NOW)).map(({ id }) => id)).toEqual(['103', '104', '105', '106', '107']);
    expect(spool.load().depth).toBe(2_000);
    expect(await spool.end('101', { kind: 'dropped', reason: 'shutdown' })).toBe(true);
    expect((await spool.take(6, NOW)).map(({ id }) => id)).toEqual(['108']);
  });
});

describe('a damaged log', () => {
  const log = (file: string) => `${file}-wal`;

  test('what it has is brought over where it is whole', async () => {
    const { held, damage } = await open(await fileWithLog());
    expect([held.length, damage]).toEqual([40, undefined]);
  });

  test.each([
    ['torn in its last page', (file: string) => truncateSync(file, statSync(file).size - PAGE / 2)],
    ['with garbage in its last page', (file: string) => overwrite(file, -PAGE, garbage(PAGE))],
  ])('%s loses the last commit alone, which cannot be told from one that was never finished', async (_, damageLog) => {
    const file = await fileWithLog();
    damageLog(log(file));
    const { held, damage, totals } = await open(file);
    expect(held).toEqual(Array.from({ length: 39 }, (_, id) => `${id}`));
    expect(totals.received).toBe(39);
    expect(damage).toBeUndefined();
  });

  test.each([
    ['in its midst', (size: number) => Math.floor(size / 2)],
    ['in its first bytes', () => 0],
  ])('with garbage %s is kept aside, and what came before goes on', async (_, place) => {
    const file = await fileWithLog();
    overwrite(log(file), place(statSync(log(file)).size), garbage(100));
    const before = readFileSync(log(file));
    const { held, damage, totals } = await open(file);
    expect(damage?.lostCalls).toBeUndefined();
    expect(damage?.report).toContain(`${file}.damaged-1-wal`);
    expect(readFileSync(`${file}.damaged-1-wal`).equals(before)).toBe(true);
    expect(held.length).toBeGreaterThanOrEqual(20);
    expect(held.length).toBeLessThan(40);
    expect(held).toEqual(Array.from({ length: held.length }, (_, id) => `${id}`));
    expect(totals.received).toBe(held.length);
  });

  test('frames of an earlier log behind its end are no damage', async () => {
    const file = newFile();
    const { spool } = await open(file);
    // More than the 4,000 pages after which SQLite brings the log over and begins again at its start.
    const input = 'x'.repeat(40_000);
    for (let id = 0; id < 500; id++) await spool.append(spooledCall(`${id}`, { input }));
    expect(statSync(`${file}-wal`).size).toBeLessThan(18_000_000);
    await spool.append(spooledCall('500'));
    const copy = newFile();
    for (const end of ['', '-wal', '.lock']) copyFileSync(`${file}${end}`, `${copy}${end}`);
    const { held, damage } = await open(copy);
    expect([held.length, damage]).toEqual([501, undefined]);
  });
});
