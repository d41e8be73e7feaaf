import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../../src/breaker/index.ts';
import type { Spool } from '../../../../src/breaker/neutral/spool/spool.ts';
import { type SqliteSpoolOptions, sqliteSpool } from '../../../../src/breaker/neutral/spool/sqlite-spool.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { NOW, OWNER, spooledCall } from './support.ts';

const folders: { remove(): void }[] = [];
const spools: Spool[] = [];
afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close();
  for (const folder of folders.splice(0)) folder.remove();
});

function newFile(): string {
  const folder = temporaryFolder('spool');
  folders.push(folder);
  return join(folder.path, 'calls.db');
}

async function opened(file: string, options: SqliteSpoolOptions = {}): Promise<Spool> {
  const spool = sqliteSpool(file, options);
  await spool.open(OWNER);
  spools.push(spool);
  return spool;
}

async function taken(spool: Spool): Promise<string[]> {
  return (await spool.take(1_000, NOW)).map(({ id }) => id);
}

test.each<[string, object, string]>([
  ['', {}, '`file` must be the path of a file'],
  [':memory:', {}, 'memorySpool() keeps calls in memory'],
  ['file:calls.db', {}, '`file` must be'],
  ['calls.db', { maxDeadLetters: -1 }, '`maxDeadLetters` must be an integer from 0 to 1000000'],
  ['calls.db', { commitEveryMs: 1_001 }, '`commitEveryMs` must be'],
  ['calls.db', { maxFileBytes: 10 }, '`maxFileBytes` must be'],
  ['calls.db', { bogus: 1 }, '`bogus` is unknown'],
])('it refuses %j with %j', (file, options, words) => {
  expect(() => sqliteSpool(file, options)).toThrow(InvalidInputError);
  expect(() => sqliteSpool(file, options)).toThrow(words);
});

describe('the file', () => {
  test('it is made with its folder, for its owner alone, and nothing is until it is opened', async () => {
    const file = join(newFile(), 'deep/calls.db');
    const spool = sqliteSpool(file);
    expect(existsSync(file)).toBe(false);
    await spool.open(OWNER);
    spools.push(spool);
    await spool.append(spooledCall('1'));
    expect(readdirSync(join(file, '..')).sort()).toEqual(['calls.db', 'calls.db-wal', 'calls.db.lock']);
    for (const name of readdirSync(join(file, '..'))) {
      expect(statSync(join(file, '..', name)).mode & 0o777, name).toBe(0o600);
    }
  });

  test('what was acknowledged is in the file and its log before the spool is closed', async () => {
    const file = newFile();
    const spool = await opened(file);
    await spool.append(spooledCall('1'));
    const copy = newFile();
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
    expect(await taken(await opened(copy))).toEqual(['1']);
  });

  test('two spools cannot have it at a time', async () => {
    const file = newFile();
    const first = await opened(file);
    await first.append(spooledCall('1'));
    const locked = { name: 'SpoolError', code: 'SPOOL_LOCKED', message: expect.stringContaining(file) };
    await expect(sqliteSpool(file).open(OWNER)).rejects.toMatchObject(locked);
    const alias = join(file, '../alias.db');
    symlinkSync(file, alias);
    await expect(sqliteSpool(alias).open(OWNER)).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
    await first.append(spooledCall('2'));
    await first.close();
    expect(await taken(await opened(file))).toEqual(['1', '2']);
  });

  test('a tool that reads it keeps it from being opened, and it is named', async () => {
    const file = newFile();
    await (await opened(file)).close();
    const tool = new DatabaseSync(file);
    tool.exec('BEGIN EXCLUSIVE');
    await expect(sqliteSpool(file).open(OWNER)).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
    tool.close();
    await opened(file);
  });

  test('one of another wire is refused while it holds calls', async () => {
    const file = newFile();
    const first = await opened(file);
    await first.append(spooledCall('1'));
    await first.close();
    const other = { breaker: 'mail', wire: 'later' };
    await expect(sqliteSpool(file).open(other)).rejects.toThrow(
      `${file} holds calls of the wire "buffer" of the breaker "payments"`,
    );
    const again = await opened(file);
    await again.end('1', { kind: 'replayed' });
    await again.close();
    const moved = sqliteSpool(file);
    spools.push(moved);
    expect((await moved.open(other)).totals.replayed).toBe(1);
  });

  test.each([
    ['of a newer version', (file: string) => write(file, 'PRAGMA user_version = 99'), 'has version 99 of the spool'],
    ['of another program', (file: string) => write(file, 'PRAGMA application_id = 7'), 'is not a spool'],
    ['that is no database', (file: string) => writeFileSync(file, 'name: payments\n'.repeat(99)), 'is not a spool'],
  ])('one %s is refused by name and left as it is', async (_, make, words) => {
    const file = newFile();
    make(file);
    const before = readFileSync(file);
    await expect(sqliteSpool(file).open(OWNER)).rejects.toMatchObject({
      code: 'SPOOL_FAILED',
      message: expect.stringContaining(`${file} ${words}`),
    });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(join(file, '..')).filter((name) => !name.endsWith('.lock'))).toEqual(['calls.db']);
    await expect(sqliteSpool(file).open(OWNER)).rejects.toThrow(`${file} ${words}`);
  });

  test('a place that cannot be written is named', async () => {
    const file = newFile();
    writeFileSync(file, '');
    const below = join(file, 'calls.db');
    await expect(sqliteSpool(below).open(OWNER)).rejects.toMatchObject({
      code: 'SPOOL_FAILED',
      message: expect.stringContaining(below),
    });
  });

  test('a call that waits goes on waiting when it is opened again', async () => {
    const file = newFile();
    const first = await opened(file);
    for (const [id, key] of [
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'a'],
    ] as const)
      await first.append(spooledCall(id, { key }));
    await first.take(2, NOW);
    await first.giveBack('1', 1, NOW + 500);
    await first.close();
    const again = await opened(file);
    expect(again.nextDueAt()).toBe(NOW + 500);
    expect(await taken(again)).toEqual(['2']);
    expect((await again.take(9, NOW + 500)).map(({ id }) => id)).toEqual(['1']);
    expect(again.nextDueAt()).toBeUndefined();
  });
});

describe('the calls', () => {
  test('an input that cannot be kept is refused, by the name of its call, and the others are not', async () => {
    const spool = await opened(newFile());
    const refused = spool.append(spooledCall('bad', { input: { done: () => 1 } }));
    const good = spool.append(spooledCall('good', { input: { at: new Date(5), n: 10n } }));
    await expect(refused).rejects.toMatchObject({
      code: 'SPOOL_FAILED',
      message: expect.stringMatching(/the call "bad" of charge .* a function cannot be written down/),
    });
    await good;
    expect((await spool.take(9, NOW)).map(({ input }) => input)).toEqual([{ at: new Date(5), n: 10n }]);
  });

  test('an id that is held already is refused, alone of its batch', async () => {
    const spool = await opened(newFile());
    const appended = await Promise.allSettled(['1', '1', '2'].map((id) => spool.append(spooledCall(id))));
    expect(appended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const nan = spool.append(spooledCall('3', { divertedAt: Number.NaN }));
    await expect(Promise.all([nan, spool.append(spooledCall('4'))])).rejects.toThrow();
    expect(await taken(spool)).toEqual(['1', '2', '4']);
    expect(spool.load()).toMatchObject({ depth: 3, sizeBytes: 24 });
  });

  test('a stuck key with thousands of calls holds up no other one', async () => {
    const spool = await opened(newFile());
    await spool.append(spooledCall('first', { key: 'stuck' }));
    await Promise.all(
      Array.from({ length: 12_000 }, (_, index) => spool.append(spooledCall(`${index}`, { key: 'stuck' }))),
    );
    await spool.append(spooledCall('free', { key: 'other' }));
    expect(await taken(spool)).toEqual(['first', 'free']);
    await spool.end('first', { kind: 'replayed' });
    expect(await taken(spool)).toEqual(['0']);
  });

  test('thousands that expire together are all dropped', async () => {
    const spool = await opened(newFile());
    const old = { expiresAt: NOW };
    await Promise.all(Array.from({ length: 12_000 }, (_, index) => spool.append(spooledCall(`${index}`, old))));
    await spool.append(spooledCall('new'));
    expect(await spool.expire(NOW)).toHaveLength(12_000);
    expect(spool.load().depth).toBe(1);
    expect(await taken(spool)).toEqual(['new']);
  });

  test('those of a few milliseconds are gathered where that is asked for', async () => {
    const spool = await opened(newFile(), { commitEveryMs: 5 });
    await Promise.all(['1', '2'].map((id) => spool.append(spooledCall(id))));
    const late = spool.append(spooledCall('3'));
    expect(spool.load().depth).toBe(2);
    await spool.close();
    await late;
  });

  test('no dead letter is kept where none may be', async () => {
    const spool = await opened(newFile(), { maxDeadLetters: 0 });
    await spool.append(spooledCall('1'));
    expect(await spool.end('1', { kind: 'dead', at: NOW, error: 'x' })).toBe(true);
    expect(await spool.deadLetters(9)).toEqual([]);
  });
});

describe('a file that may not grow any more', () => {
  test('calls are refused until there is room, and none that was taken in is lost', async () => {
    const file = newFile();
    const spool = await opened(file, { maxFileBytes: 1024 * 1024 });
    const input = 'x'.repeat(10_000);
    const held: string[] = [];
    for (let number = 0; held.length === number; number++) {
      if (number > 200) throw new Error('it took in more than it has room for');
      try {
        await spool.append(spooledCall(`${number}`, { input }));
        held.push(`${number}`);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SPOOL_FAILED', message: expect.stringContaining('full') });
      }
    }
    expect(held.length).toBeGreaterThan(50);
    expect(spool.load().depth).toBe(held.length);
    expect(await taken(spool)).toEqual(held);

    // In one batch with a call that finds no room, what frees some is done.
    const [full, ...ends] = await Promise.allSettled([
      spool.append(spooledCall('full', { input: input.repeat(99) })),
      ...held.slice(0, 10).map((id) => spool.end(id, { kind: 'replayed' })),
    ]);
    expect(full?.status).toBe('rejected');
    expect(ends.every(({ status }) => status === 'fulfilled')).toBe(true);
    await spool.append(spooledCall('room', { input }));
    await spool.close();

    const again = sqliteSpool(file);
    spools.push(again);
    const { totals, damage } = await again.open(OWNER);
    expect(damage).toBeUndefined();
    expect(totals).toMatchObject({ received: held.length + 1, replayed: 10 });
    expect(await taken(again)).toEqual([...held.slice(10), 'room']);
  });
});

function write(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  // A newer version of a spool still bears its mark.
  database.exec(`CREATE TABLE a (b); PRAGMA application_id = ${0x53574753}; ${sql}`);
  database.close();
}
