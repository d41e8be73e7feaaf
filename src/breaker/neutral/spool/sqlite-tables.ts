import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { DeadLetter, SpooledCall } from './spool.ts';
import { restoreInput, type StoredInput } from './stored-input.ts';
import type { HeldCalls, OrderedCall } from './take-order.ts';

type Cells = readonly SQLOutputValue[];

const ORDER_COLUMNS = 'place, id, key, size_bytes, attempts, not_before, expires_at';
const CALL_COLUMNS = 'id, key, size_bytes, attempts, expires_at, diverted_at, operation, idempotency_key';

/** The statements of a spool's file, prepared once. */
export class SqliteTables implements HeldCalls {
  readonly #database: DatabaseSync;
  #isSynced = true;
  readonly #insert: StatementSync;
  readonly #bury: StatementSync;
  readonly #trimDead: StatementSync;
  readonly #purgeDead: StatementSync;
  readonly #delete: StatementSync;
  readonly #giveBack: StatementSync;
  readonly #saveEntry: StatementSync;
  readonly #entries: StatementSync;
  readonly #after: StatementSync;
  readonly #nextOfKey: StatementSync;
  readonly #byId: StatementSync;
  readonly #expired: StatementSync;
  readonly #waiting: StatementSync;
  readonly #read: StatementSync;
  readonly #oldest: StatementSync;
  readonly #lastPlace: StatementSync;
  readonly #count: StatementSync;
  readonly #peek: StatementSync;
  readonly #deadLetters: StatementSync;

  constructor(database: DatabaseSync) {
    const read = (sql: string) => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#database = database;
    this.#insert = database.prepare(
      `INSERT INTO call (place, ${CALL_COLUMNS}, not_before, input) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT (id) DO NOTHING`,
    );
    this.#bury = database.prepare(
      `INSERT INTO dead_letter (${CALL_COLUMNS}, died_at, error, input) SELECT ${CALL_COLUMNS}, ?, ?, input FROM call WHERE place = ?`,
    );
    this.#trimDead = database.prepare(
      'DELETE FROM dead_letter WHERE place <= (SELECT place FROM dead_letter ORDER BY place DESC LIMIT 1 OFFSET ?)',
    );
    this.#purgeDead = database.prepare('DELETE FROM dead_letter');
    this.#delete = database.prepare('DELETE FROM call WHERE place = ?');
    this.#giveBack = database.prepare('UPDATE call SET attempts = ?, not_before = ? WHERE place = ?');
    this.#saveEntry = database.prepare(
      'INSERT INTO ledger (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#entries = read('SELECT name, value FROM ledger');
    this.#after = read(`SELECT ${ORDER_COLUMNS} FROM call WHERE place > ? ORDER BY place LIMIT ?`);
    this.#nextOfKey = read(`SELECT ${ORDER_COLUMNS} FROM call WHERE key = ? AND place > ? ORDER BY place LIMIT 1`);
    this.#byId = read(`SELECT ${ORDER_COLUMNS} FROM call WHERE id = ?`);
    this.#expired = read(`SELECT ${ORDER_COLUMNS} FROM call WHERE expires_at <= ? ORDER BY expires_at, place LIMIT ?`);
    this.#waiting = read(`SELECT ${ORDER_COLUMNS} FROM call WHERE not_before > 0 ORDER BY place`);
    this.#read = read(`SELECT ${CALL_COLUMNS}, input FROM call WHERE place = ?`);
    this.#oldest = read('SELECT place, diverted_at FROM call ORDER BY place LIMIT 1');
    this.#lastPlace = read('SELECT max(place) FROM call');
    this.#count = read('SELECT count(*) FROM call');
    this.#peek = read(`SELECT ${CALL_COLUMNS}, input FROM call ORDER BY place LIMIT ?`);
    this.#deadLetters = read(
      `SELECT ${CALL_COLUMNS}, input, died_at, error FROM dead_letter ORDER BY place DESC LIMIT ?`,
    );
  }

  /**
   * All of it or, where it throws, nothing.
   * @param isSynced whether it is on disk as this returns. Otherwise a power cut may take it back, with all since then.
   */
  transaction<Result>(isSynced: boolean, write: () => Result): Result {
    if (isSynced !== this.#isSynced) {
      this.#database.exec(`PRAGMA synchronous = ${isSynced ? 'FULL' : 'NORMAL'}`);
      this.#isSynced = isSynced;
    }
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = write();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A write that finds the disk full may have undone the transaction by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** False where a call of that id is held already. */
  insert(place: number, call: SpooledCall, input: StoredInput): boolean {
    const { changes } = this.#insert.run(
      place,
      call.id,
      call.key ?? null,
      call.sizeBytes,
      call.attempts,
      call.expiresAt,
      call.divertedAt,
      call.operation,
      call.idempotencyKey,
      input,
    );
    return Number(changes) === 1;
  }

  delete(place: number): boolean {
    return Number(this.#delete.run(place).changes) === 1;
  }

  /** Copies a call to the dead letters. */
  bury(place: number, diedAt: number, error: string): void {
    this.#bury.run(diedAt, error, place);
  }

  /** Keeps the latest dead letters alone. */
  trimDeadLetters(most: number): void {
    this.#trimDead.run(most);
  }

  purgeDeadLetters(): number {
    return Number(this.#purgeDead.run().changes);
  }

  giveBack(place: number, attempts: number, notBefore: number): void {
    this.#giveBack.run(attempts, notBefore, place);
  }

  saveEntry(name: string, value: string | number | null): void {
    this.#saveEntry.run(name, value);
  }

  entries(): Map<string, SQLOutputValue> {
    return new Map(rows(this.#entries.all()).map(([name, value]) => [name as string, value!]));
  }

  after(place: number, limit: number): OrderedCall[] {
    return rows(this.#after.all(place, limit)).map(orderedCall);
  }

  nextOfKey(key: string, place: number): OrderedCall | undefined {
    return rows(this.#nextOfKey.all(key, place)).map(orderedCall)[0];
  }

  byId(id: string): OrderedCall | undefined {
    return rows(this.#byId.all(id)).map(orderedCall)[0];
  }

  expired(now: number, limit: number): OrderedCall[] {
    return rows(this.#expired.all(now, limit)).map(orderedCall);
  }

  /** Those that were given back until later. */
  waiting(): OrderedCall[] {
    return rows(this.#waiting.all()).map(orderedCall);
  }

  /** @throws where the input was damaged */
  read(place: number): SpooledCall {
    return spooledCall(this.#read.get(place) as unknown as Cells);
  }

  oldest(): { readonly place: number; readonly divertedAt: number } | undefined {
    const row = this.#oldest.get() as unknown as Cells | undefined;
    return row && { place: row[0] as number, divertedAt: row[1] as number };
  }

  /** 0 where none is held. */
  lastPlace(): number {
    return Number((this.#lastPlace.get() as unknown as Cells)[0] ?? 0);
  }

  /** By the smallest index: a tenth of a second for a million. */
  count(): number {
    return Number((this.#count.get() as unknown as Cells)[0]);
  }

  peek(limit: number): SpooledCall[] {
    return rows(this.#peek.all(limit)).map(spooledCall);
  }

  deadLetters(limit: number): DeadLetter[] {
    return rows(this.#deadLetters.all(limit)).map((row) => ({
      ...spooledCall(row),
      attempts: spooledCall(row).attempts + 1,
      diedAt: row[9] as number,
      error: row[10] as string,
    }));
  }
}

/** The types of `node:sqlite` do not know of `setReturnArrays`. */
function rows(all: unknown): readonly Cells[] {
  return all as readonly Cells[];
}

function orderedCall([place, id, key, sizeBytes, attempts, notBefore, expiresAt]: Cells): OrderedCall {
  return {
    place: place as number,
    id: id as string,
    key: (key as string | null) ?? undefined,
    sizeBytes: sizeBytes as number,
    attempts: attempts as number,
    notBefore: notBefore as number,
    expiresAt: expiresAt as number,
  };
}

function spooledCall(row: Cells): SpooledCall {
  const [id, key, sizeBytes, attempts, expiresAt, divertedAt, operation, idempotencyKey, input] = row;
  return {
    id: id as string,
    operation: operation as string,
    input: restoreInput(input as StoredInput),
    key: (key as string | null) ?? undefined,
    idempotencyKey: idempotencyKey as string,
    divertedAt: divertedAt as number,
    expiresAt: expiresAt as number,
    sizeBytes: sizeBytes as number,
    attempts: attempts as number,
  };
}
