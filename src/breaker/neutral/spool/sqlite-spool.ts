import { type Check, InvalidInputError, integer, object } from '@switchgear/conventions';
import { depthOf, EMPTY_LEDGER, type Ledger, ledgerEntries, totalsOf } from './ledger.ts';
import {
  type DeadLetter,
  type Spool,
  type SpoolEnd,
  SpoolError,
  type SpooledCall,
  type SpoolLoad,
  type SpoolOpening,
} from './spool.ts';
import { errorCode, isDamage, type OpenSpoolFile, openSpoolFile, SUSPECT } from './sqlite-file.ts';
import type { SqliteTables } from './sqlite-tables.ts';
import { storeInput } from './stored-input.ts';
import { type OrderedCall, TakeOrder } from './take-order.ts';

export interface SqliteSpoolOptions {
  /** Dead letters kept, the latest, 0 to 1,000,000; default 1,000. */
  readonly maxDeadLetters?: number;
  /**
   * Milliseconds for which calls are gathered into one commit, 0 to 1,000; default 0: those of one turn of the event loop.
   * Each commit waits for the disk, and the event loop with it: on a slow disk, a few milliseconds leave it more time.
   */
  readonly commitEveryMs?: number;
  /** Bytes the file may grow to, 1 MiB to 2^53 - 1; default none. A call beyond it is refused. The log beside it takes some 16 MiB more. */
  readonly maxFileBytes?: number;
}

const checkOptions = object(
  {},
  {
    maxDeadLetters: integer(0, 1_000_000),
    commitEveryMs: integer(0, 1_000),
    maxFileBytes: integer(1024 * 1024, Number.MAX_SAFE_INTEGER),
  },
);
const checkFile: Check = (value, field) => {
  const isPath = typeof value === 'string' && value !== '' && value !== ':memory:' && !value.startsWith('file:');
  return isPath ? [] : [{ field, rule: 'must be the path of a file; memorySpool() keeps calls in memory', value }];
};

/**
 * Keeps calls in a SQLite file: what is acknowledged is on disk, and survives the process and a power cut. Its folder is
 * made where it is missing. The file belongs to one process at a time, on a local disk. Holds at most 16 MiB of the
 * file in memory, and about 300 bytes for each call that is taken or waits for another attempt.
 * @throws InvalidInputError for an option out of its range; `open` throws SpoolError
 */
export function sqliteSpool(file: string, options: SqliteSpoolOptions = {}): Spool {
  const problems = [...checkFile(file, 'file'), ...checkOptions(options, '')];
  if (problems.length > 0) throw new InvalidInputError(problems);
  return new SqliteSpool(file, options);
}

/** What of a spool is there while it is open. */
interface OpenSpool {
  readonly file: OpenSpoolFile;
  readonly tables: SqliteTables;
  readonly order: TakeOrder;
}

/** A write that waits for its commit: it changes the file, and tells what has changed. */
interface Write {
  readonly apply: (changes: Changes) => unknown;
  readonly isAppend: boolean;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** What a transaction changes in memory, once it is on disk. */
interface Changes {
  ledger: Ledger;
  readonly removed: OrderedCall[];
  readonly givenBack: { readonly id: string; readonly attempts: number; readonly notBefore: number }[];
}

/** Calls that one turn of the event loop looks at, or gives up as expired, before others have theirs. */
const CALLS_A_TURN = 5_000;

const SQLITE_TOOBIG = 18;
const SQLITE_CONSTRAINT = 19;
const SQLITE_MISMATCH = 20;

class SqliteSpool implements Spool {
  readonly kind = 'sqlite';
  readonly isDurable = true;
  readonly #path: string;
  readonly #maxDeadLetters: number;
  readonly #commitEveryMs: number;
  readonly #maxFileBytes: number | undefined;
  #open: OpenSpool | undefined;
  #ledger = EMPTY_LEDGER;
  #lastPlace = 0;
  #oldest: { readonly place: number; readonly divertedAt: number } | undefined;
  #writes: Write[] = [];
  #isScheduled = false;

  constructor(file: string, { maxDeadLetters = 1_000, commitEveryMs = 0, maxFileBytes }: SqliteSpoolOptions) {
    this.#path = file;
    this.#maxDeadLetters = maxDeadLetters;
    this.#commitEveryMs = commitEveryMs;
    this.#maxFileBytes = maxFileBytes;
  }

  async open(owner: { readonly breaker: string; readonly wire: string }): Promise<SpoolOpening> {
    const sqlite = await import('node:sqlite');
    const file = openSpoolFile(sqlite, this.#path, { owner, maxFileBytes: this.#maxFileBytes });
    const { tables } = file;
    try {
      this.#lastPlace = tables.lastPlace();
      this.#oldest = tables.oldest();
      const order = new TakeOrder(tables);
      for (const call of tables.waiting()) order.addWaiting(call);
      this.#ledger = file.ledger;
      this.#open = { file, tables, order };
    } catch (error) {
      file.close();
      throw this.#failure('read', error);
    }
    return { totals: totalsOf(file.ledger), damage: file.damage };
  }

  async append(call: SpooledCall): Promise<void> {
    const { tables } = this.#opened();
    const input = this.#stored(call);
    await this.#write(true, (changes) => {
      if (!tables.insert(++this.#lastPlace, call, input)) {
        throw new SpoolError('SPOOL_FAILED', `${this.#path} holds a call "${call.id}" already`);
      }
      const { received, heldBytes } = changes.ledger;
      changes.ledger = { ...changes.ledger, received: received + 1, heldBytes: heldBytes + call.sizeBytes };
    });
  }

  async take(limit: number, now: number): Promise<readonly SpooledCall[]> {
    const calls: SpooledCall[] = [];
    for (;;) {
      const open = this.#opened();
      const { taken, isDone } = this.#read(() => open.order.take(limit - calls.length, now, CALLS_A_TURN));
      const found = this.#readTaken(open, taken);
      calls.push(...found);
      // Where some cannot be read, there may be others in their stead.
      if (isDone && (calls.length === limit || found.length === taken.length)) return calls;
      if (!isDone) await nextTurn();
    }
  }

  async giveBack(id: string, attempts: number, notBefore: number): Promise<void> {
    const { tables, order } = this.#opened();
    await this.#write(false, (changes) => {
      const call = order.taken(id);
      if (!call) return;
      // Where nothing is new, the file says so already.
      if (call.attempts !== attempts || call.notBefore !== notBefore) tables.giveBack(call.place, attempts, notBefore);
      changes.givenBack.push({ id, attempts, notBefore });
    });
  }

  async end(id: string, end: SpoolEnd): Promise<boolean> {
    const { tables, order } = this.#opened();
    return this.#write(false, (changes) => {
      const call = order.taken(id) ?? tables.byId(id);
      if (!call) return false;
      if (end.kind === 'dead' && this.#maxDeadLetters > 0) {
        tables.bury(call.place, end.at, end.error);
        tables.trimDeadLetters(this.#maxDeadLetters);
      }
      return remove(tables, call, end, changes);
    });
  }

  async expire(now: number): Promise<readonly string[]> {
    const ids: string[] = [];
    for (;;) {
      const some = await this.#expireSome(now).catch((error) => {
        // What has been dropped so far has been dropped.
        if (ids.length === 0) throw error;
        return [];
      });
      ids.push(...some);
      if (some.length < CALLS_A_TURN) return ids;
    }
  }

  load(): SpoolLoad {
    const depth = depthOf(this.#ledger);
    return {
      depth,
      // The sum of fractions may be a little off.
      sizeBytes: depth > 0 ? this.#ledger.heldBytes : 0,
      oldestDivertedAt: depth > 0 ? this.#oldest?.divertedAt : undefined,
    };
  }

  nextDueAt(): number | undefined {
    return this.#open?.order.nextDueAt();
  }

  async peek(limit: number): Promise<readonly SpooledCall[]> {
    const { tables } = this.#opened();
    return this.#read(() => tables.peek(limit));
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    const { tables } = this.#opened();
    return this.#read(() => tables.deadLetters(limit));
  }

  async purgeDeadLetters(): Promise<number> {
    const { tables } = this.#opened();
    return this.#write(false, () => tables.purgeDeadLetters());
  }

  async close(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#flush();
    this.#open = undefined;
    open.file.close();
  }

  #opened(): OpenSpool {
    if (!this.#open) throw new SpoolError('SPOOL_CLOSED', `${this.#path} is not open`);
    return this.#open;
  }

  #stored({ id, operation, input }: SpooledCall) {
    try {
      return storeInput(input);
    } catch (error) {
      const why = `the input of the call "${id}" of ${operation} cannot be kept in ${this.#path}`;
      throw new SpoolError('SPOOL_FAILED', `${why}: ${(error as Error).message}`, error);
    }
  }

  /** The calls that can be read of those taken; the others are set aside, to be held until they expire. */
  #readTaken({ tables, order }: OpenSpool, taken: readonly OrderedCall[]): SpooledCall[] {
    return taken.flatMap(({ id, place }) => {
      try {
        return [tables.read(place)];
      } catch (error) {
        this.#noteDamage(error);
        order.setAside(id);
        return [];
      }
    });
  }

  #read<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      this.#noteDamage(error);
      throw this.#failure('read', error);
    }
  }

  #expireSome(now: number): Promise<string[]> {
    const { tables, order } = this.#opened();
    return this.#write(false, (changes) => {
      // As many more as may be taken, which stay.
      const expired = tables.expired(now, CALLS_A_TURN + order.takenCount).filter(({ id }) => !order.taken(id));
      const dropped = expired.slice(0, CALLS_A_TURN);
      for (const call of dropped) remove(tables, call, { kind: 'dropped', reason: 'expired' }, changes);
      return dropped.map(({ id }) => id);
    });
  }

  /** Puts a write into the next commit. */
  #write<Result>(isAppend: boolean, apply: (changes: Changes) => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#writes.push({ apply, isAppend, resolve: resolve as Write['resolve'], reject });
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      const flush = () => this.#flush();
      // Neither is let go of by a process that has nothing else to do: somebody waits for it.
      if (this.#commitEveryMs > 0) setTimeout(flush, this.#commitEveryMs);
      else setImmediate(flush);
    }
    return promise;
  }

  #flush(): void {
    this.#isScheduled = false;
    const writes = this.#writes;
    if (!this.#open || writes.length === 0) return;
    this.#writes = [];
    this.#commit(this.#open, writes);
  }

  #commit(open: OpenSpool, writes: readonly Write[]): void {
    const changes: Changes = { ledger: this.#ledger, removed: [], givenBack: [] };
    const outcomes: (() => void)[] = [];
    try {
      // Only what is taken in is acknowledged. A call whose end a power cut takes back is replayed once more.
      const isSynced = writes.some(({ isAppend }) => isAppend);
      open.tables.transaction(isSynced, () => {
        for (const write of writes) outcomes.push(applied(write, changes));
        this.#saveLedger(open, changes.ledger);
      });
    } catch (error) {
      this.#noteDamage(error);
      const others = writes.filter(({ isAppend }) => !isAppend);
      const isWorthATry = others.length > 0 && others.length < writes.length;
      for (const { isAppend, reject } of writes) if (isAppend || !isWorthATry) reject(this.#failure('written', error));
      // A full disk may have room for what frees some.
      if (isWorthATry) this.#commit(open, others);
      return;
    }
    this.#ledger = changes.ledger;
    this.#follow(open, changes);
    for (const settle of outcomes) settle();
  }

  #saveLedger({ tables }: OpenSpool, ledger: Ledger): void {
    if (ledger === this.#ledger) return;
    const before = ledgerEntries(this.#ledger);
    for (const [index, [name, value]] of ledgerEntries(ledger).entries()) {
      if (value !== before[index]![1]) tables.saveEntry(name, value);
    }
  }

  /** Brings what is in memory to where the file is. */
  #follow({ tables, order }: OpenSpool, { removed, givenBack }: Changes): void {
    try {
      for (const { place, key } of removed) order.remove(place, key);
      for (const { id, attempts, notBefore } of givenBack) order.giveBack(id, attempts, notBefore);
      const isOldestGone = !this.#oldest || removed.some(({ place }) => place === this.#oldest?.place);
      if (isOldestGone) this.#oldest = tables.oldest();
    } catch (error) {
      this.#noteDamage(error);
      for (const { id } of removed) order.forget(id);
      order.rewind();
    }
  }

  /** Asks for a whole check of the file when it is next opened. */
  #noteDamage(error: unknown): void {
    if (!isDamage(error)) return;
    try {
      this.#open?.tables.saveEntry(SUSPECT, 1);
    } catch {
      // It cannot be written either: what is that damaged is found without a note.
    }
  }

  #failure(what: string, error: unknown): SpoolError {
    return new SpoolError('SPOOL_FAILED', `${this.#path} could not be ${what}: ${(error as Error).message}`, error);
  }
}

/** Applies a write within the transaction; returns what tells its caller. Throws where the transaction is to fail. */
function applied({ apply, resolve, reject }: Write, changes: Changes): () => void {
  try {
    const result = apply(changes) as never;
    return () => resolve(result);
  } catch (error) {
    if (isOfTheFile(error)) throw error;
    return () => reject(error);
  }
}

/** Whether an error is the file's, and not of the one call that met it. */
function isOfTheFile(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && code !== SQLITE_TOOBIG && code !== SQLITE_CONSTRAINT && code !== SQLITE_MISMATCH;
}

function remove(tables: SqliteTables, call: OrderedCall, end: SpoolEnd, changes: Changes): boolean {
  if (!tables.delete(call.place)) return false;
  changes.removed.push(call);
  const { ledger } = changes;
  changes.ledger = { ...ended(ledger, end), heldBytes: ledger.heldBytes - call.sizeBytes };
  return true;
}

function ended(ledger: Ledger, end: SpoolEnd): Ledger {
  switch (end.kind) {
    case 'replayed':
      return { ...ledger, replayed: ledger.replayed + 1 };
    case 'dead':
      return { ...ledger, dead: ledger.dead + 1 };
    case 'dropped':
      return { ...ledger, dropped: { ...ledger.dropped, [end.reason]: ledger.dropped[end.reason] + 1 } };
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
