import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Spool, type SpooledCall, sqliteSpool } from '@switchgear/breaker';
import { runChild } from '../child-process.ts';
import { expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../median.ts';
import type { SpoolOpened } from '../open-spool.ts';

const CALLERS = 64;
const APPENDS = 50_000;
const HELD = 1_000_000;
const DRAINED = 50_000;
/** Calls taken at a time. */
const TAKEN = 256;
const ROUNDS = 3;
const OWNER = { breaker: 'bench', wire: 'buffer' };
const NOW = 1_800_000_000_000;

/** Calls into a SQLite file and out of it again, and a file with a million of them. */
export async function sqliteSpoolCase(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-bench-'));
  try {
    const appended: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      appended.push(await nsPerAppend(join(folder, `spool-${round}.db`)));
      bare.push(nsPerBareInsert(join(folder, `bare-${round}.db`)));
    }
    const file = join(folder, 'million.db');
    await fill(file, HELD);
    const opened = await open(file);
    const drainNs = await drain(file);
    const held = `${HELD.toLocaleString('en')} held calls`;
    return [
      {
        name: 'sqlite-append',
        what: `a call into a SQLite spool, ${CALLERS} callers at once`,
        unit: 'ns',
        figure: median(appended),
        peers: { 'bare node:sqlite': median(bare) },
      },
      { name: 'sqlite-drain', what: 'a call taken from it and ended', unit: 'ns', figure: drainNs, peers: {} },
      { name: 'sqlite-open', what: `${held} opened and counted`, unit: 'ms', figure: opened.ms, peers: {} },
      { name: 'sqlite-memory', what: 'resident memory that takes', unit: 'B', figure: opened.bytes, peers: {} },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function nsPerAppend(file: string): Promise<number> {
  const spool = sqliteSpool(file);
  await spool.open(OWNER);
  const ns = await fillOpen(spool, APPENDS);
  await spool.close();
  return ns;
}

async function fill(file: string, count: number): Promise<void> {
  const spool = sqliteSpool(file);
  await spool.open(OWNER);
  await fillOpen(spool, count);
  await spool.close();
}

async function fillOpen(spool: Spool, count: number): Promise<number> {
  let number = 0;
  const began = performance.now();
  const caller = async () => {
    while (number < count) await spool.append(heldCall(number++));
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const elapsed = performance.now() - began;
  expectCount('the spool', spool.load().depth, number);
  return (elapsed / number) * 1e6;
}

/** The same rows in the same batches, as plain statements: a table with the id and the key to find them by. */
function nsPerBareInsert(file: string): number {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE call (place INTEGER PRIMARY KEY, id TEXT, key TEXT, expires_at REAL, rest TEXT, input TEXT);
    CREATE UNIQUE INDEX by_id ON call (id); CREATE INDEX by_key ON call (key); CREATE INDEX by_expiry ON call (expires_at)`);
  const insert = database.prepare('INSERT INTO call (id, key, expires_at, rest, input) VALUES (?, ?, ?, ?, ?)');
  const began = performance.now();
  for (let number = 0; number < APPENDS; ) {
    database.exec('BEGIN IMMEDIATE');
    for (let caller = 0; caller < CALLERS && number < APPENDS; caller++) {
      const { id, key, expiresAt, operation, idempotencyKey, input } = heldCall(number++);
      insert.run(id, key!, expiresAt, operation + idempotencyKey, JSON.stringify(input));
    }
    database.exec('COMMIT');
  }
  const elapsed = performance.now() - began;
  database.close();
  return (elapsed / APPENDS) * 1e6;
}

async function open(file: string): Promise<SpoolOpened> {
  const program = new URL('../open-spool.ts', import.meta.url);
  const opened = await runChild<SpoolOpened>(program, [OWNER.breaker, OWNER.wire, file]);
  expectCount('the spool', opened.held, HELD);
  return opened;
}

async function drain(file: string): Promise<number> {
  const spool = sqliteSpool(file);
  await spool.open(OWNER);
  const drained: number[] = [];
  for (let round = 0; round < ROUNDS; round++) drained.push(await nsPerReplay(spool));
  await spool.close();
  return median(drained);
}

async function nsPerReplay(spool: Spool): Promise<number> {
  const before = spool.load().depth;
  const began = performance.now();
  let replayed = 0;
  while (replayed < DRAINED) {
    const calls = await spool.take(TAKEN, NOW);
    await Promise.all(calls.map(({ id }) => spool.end(id, { kind: 'replayed' })));
    replayed += calls.length;
  }
  const elapsed = performance.now() - began;
  expectCount('the spool', spool.load().depth, before - replayed);
  return (elapsed / replayed) * 1e6;
}

/** Of 50,000 customers, with some 150 bytes of input. */
function heldCall(number: number): SpooledCall {
  return {
    id: `bench/buffer/4f1c22d09a7b-${number}`,
    operation: 'charge',
    input: {
      order: number,
      lines: [1, 2, 3, 4].map((line) => ({ sku: `sku-${line}`, pieces: line })),
    },
    key: `customer-${number % 50_000}`,
    idempotencyKey: `4f1c22d09a7b-${number}`,
    divertedAt: NOW - 1_000,
    expiresAt: NOW + 3_600_000 + number,
    sizeBytes: 150,
    attempts: 0,
  };
}
