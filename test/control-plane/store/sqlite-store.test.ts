import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseStoreUrl } from '../../../src/control-plane/store/open-store.ts';
import { SqliteStore } from '../../../src/control-plane/store/sqlite-store.ts';
import { storeContract } from './contract.ts';

storeContract('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-store-'));
  return {
    open: (now) => new SqliteStore({ file: join(folder, 'data', 'switchgear.db'), now }),
    remove: () => rmSync(folder, { recursive: true }),
  };
});

describe('a database that cannot be used is refused at the start, in words', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchgear-store-'));
    file = join(folder, 'switchgear.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('a file that is no database', () => {
    writeFileSync(file, 'these are my holiday pictures, not a database'.repeat(50));
    expect(() => new SqliteStore({ file })).toThrow(/switchgear\.db is corrupt or no SQLite database/);
  });

  test('a database that was cut off', async () => {
    const store = new SqliteStore({ file });
    await store.appendEvents(
      Array.from({ length: 500 }, (_, at) => ({
        at,
        service: 'shop',
        instance: 'shop-1',
        breaker: 'payments',
        event: 'breaker.trip',
        severity: 'WARN' as const,
        attributes: { text: 'x'.repeat(200) },
        traceId: null,
        spanId: null,
      })),
    );
    await store.close();
    truncateSync(file, 20_000);
    expect(() => new SqliteStore({ file })).toThrow(/corrupt/);
  });

  test('a database of a newer version', () => {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => new SqliteStore({ file })).toThrow(/schema version 99, this control plane knows versions up to 2/);
  });

  test('a database of the first version is brought up, with what it knows', async () => {
    const store = new SqliteStore({ file });
    const agent = { service: 'shop', instance: 'shop-1' };
    await store.rememberBreakers([{ agent, breaker: 'payments', lastSeenAt: 1, gone: false }]);
    await store.close();
    const database = new DatabaseSync(file);
    database.exec('ALTER TABLE agent_breaker DROP COLUMN gone_since; PRAGMA user_version = 1');
    database.close();
    const reopened = new SqliteStore({ file });
    expect(await reopened.knownBreakers()).toEqual([{ agent, breaker: 'payments', lastSeenAt: 1, gone: false }]);
    await reopened.close();
  });

  test('a database that another control plane has open', async () => {
    const first = new SqliteStore({ file });
    expect(() => new SqliteStore({ file })).toThrow(/in use by another process/);
    await first.close();
    await new SqliteStore({ file }).close();
  });

  test('a path that cannot be a file', () => {
    expect(() => new SqliteStore({ file: folder })).toThrow(/cannot be opened/);
  });
});

describe('files of a database', () => {
  let folder: string;
  let file: string;
  let umask: number;

  beforeEach(() => {
    umask = process.umask(0o022);
    folder = mkdtempSync(join(tmpdir(), 'switchgear-store-'));
    chmodSync(folder, 0o755);
    file = join(folder, 'switchgear.db');
  });
  afterEach(() => {
    process.umask(umask);
    rmSync(folder, { recursive: true });
  });

  const modes = () =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]));

  test("are their owner's alone, in a folder that others can read too", async () => {
    const store = new SqliteStore({ file });
    await store.changeDesired('shop', 'payments', () => ({
      next: { override: null, action: null, generation: 0, config: {} },
      audit: { at: 1, actor: 'operator', action: 'config', reason: null, before: null, after: {} },
    }));
    expect(modes()).toMatchObject({ 'switchgear.db': 0o600, 'switchgear.db-wal': 0o600 });
    expect(Object.values(modes()).filter((mode) => mode !== 0o600)).toEqual([]);
    await store.close();
    expect(modes()).toEqual({ 'switchgear.db': 0o600 });
  });

  test('keep the mode that an operator gave them', async () => {
    await new SqliteStore({ file }).close();
    chmodSync(file, 0o640);
    await new SqliteStore({ file }).close();
    expect(modes()).toEqual({ 'switchgear.db': 0o640 });
  });
});

describe('the address of a store', () => {
  test('a path is made absolute and gives the data folder', () => {
    expect(parseStoreUrl('sqlite:/var/lib/switchgear/fleet.db')).toEqual({
      kind: 'sqlite',
      file: '/var/lib/switchgear/fleet.db',
      dataFolder: '/var/lib/switchgear',
    });
  });

  test('a store in memory has no data folder', () => {
    expect(parseStoreUrl('sqlite::memory:')).toEqual({ kind: 'sqlite', file: ':memory:', dataFolder: null });
  });

  test('PostgreSQL is named as not supported yet, other things as wrong', () => {
    expect(parseStoreUrl('postgres://localhost/x')).toEqual({ rule: expect.stringContaining('not supported yet') });
    expect(parseStoreUrl('sqlite:')).toEqual({ rule: expect.stringContaining('must be sqlite:<path>') });
    expect(parseStoreUrl('mysql://x')).toEqual({ rule: expect.stringContaining('must be sqlite:<path>') });
  });
});
