import { type Check, DROP_REASONS, type DropReason, InvalidInputError, integer, object } from '@switchgear/conventions';
import { Arrivals } from './arrivals.ts';
import { CallHeap } from './call-heap.ts';
import { DeadLetters } from './dead-letters.ts';
import { plainCall } from './plain-call.ts';
import {
  type DeadLetter,
  type Spool,
  type SpoolEnd,
  SpoolError,
  type SpooledCall,
  type SpoolLoad,
  type SpoolOpening,
} from './spool.ts';

export interface MemorySpoolOptions {
  /** Most dead letters kept, 0 to 100,000; default 1,000. Together they are no larger than 16 MiB: the oldest go. */
  readonly maxDeadLetters?: number;
}

const checkOptions: Check = object({}, { maxDeadLetters: integer(0, 100_000) });

/**
 * Holds calls in memory, with their inputs by reference: they end with the process. Memory, with what its wire knows of each:
 * `sizeBytes` of the inputs and at most 1 KiB a call, so that the bounds of the wire (`capacity`, `maxBytes`) bound it too;
 * and the dead letters.
 * @throws InvalidInputError for an option out of its range
 */
export function memorySpool(options: MemorySpoolOptions = {}): Spool {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return new MemorySpool(options.maxDeadLetters ?? 1_000);
}

/** Calls put in order before others have their turn, by a take that finds the keys of many still held. */
const CALLS_A_TURN = 5_000;

/** A held call in its places: the list of all by age, that of its key, and the heaps. */
interface Entry {
  call: SpooledCall;
  /** Rises by age. */
  readonly number: number;
  older: Entry | undefined;
  newer: Entry | undefined;
  olderOfKey: Entry | undefined;
  newerOfKey: Entry | undefined;
  /** `behind`: an older one of its key is held. */
  place: 'ready' | 'waiting' | 'behind' | 'taken' | 'gone';
  /** Wall time, ms; of one that waits. */
  notBefore: number;
}

/** A call that comes is put in its places when somebody asks for it, and not while its caller waits. */
class MemorySpool implements Spool {
  readonly kind = 'memory';
  readonly isDurable = false;
  readonly isByReference = true;
  readonly #dead: DeadLetters;
  readonly #arrivals = new Arrivals();
  readonly #entries = new Map<string, Entry>();
  /** The newest held call of each key. */
  readonly #newestOfKey = new Map<string, Entry>();
  readonly #ready = new CallHeap<Entry>({ of: ({ number }) => number, isWanted: ({ place }) => place === 'ready' });
  readonly #waiting = new CallHeap<Entry>({
    of: ({ notBefore }) => notBefore,
    isWanted: ({ place }) => place === 'waiting',
  });
  readonly #byExpiry = new CallHeap<Entry>({
    of: ({ call }) => call.expiresAt,
    isWanted: ({ place }) => place !== 'gone',
  });
  #oldest: Entry | undefined = undefined;
  #newest: Entry | undefined = undefined;
  #sizeBytes = 0;
  #sorted = 0;
  #isClosed = false;

  constructor(mostDead: number) {
    this.#dead = new DeadLetters(mostDead);
  }

  async open(): Promise<SpoolOpening> {
    return { totals: NOTHING_YET, damage: undefined };
  }

  append(call: SpooledCall): Promise<void> | void {
    if (this.#isClosed) return Promise.reject(closedError());
    this.#sizeBytes += call.sizeBytes;
    this.#arrivals.push(call);
  }

  async take(limit: number, now: number): Promise<readonly SpooledCall[]> {
    this.#mustBeOpen();
    for (let due = this.#waiting.peek(); due && due.notBefore <= now; due = this.#waiting.peek()) {
      this.#waiting.pop();
      this.#makeReady(due);
    }
    const taken: Entry[] = [];
    const expired: Entry[] = [];
    for (let sorted = 0; taken.length < limit; ) {
      const entry = this.#ready.pop();
      if (!entry) {
        if (!this.#sortNext()) break;
        sorted += 1;
        if (sorted % CALLS_A_TURN === 0) await nextTurn();
      } else if (entry.call.expiresAt <= now) expired.push(entry);
      else {
        entry.place = 'taken';
        taken.push(entry);
      }
    }
    for (const entry of expired) this.#ready.push(entry);
    // A turn of others may have brought the end of some.
    return taken.filter(({ place }) => place === 'taken').map(({ call }) => call);
  }

  async giveBack(id: string, attempts: number, notBefore: number): Promise<void> {
    this.#mustBeOpen();
    const entry = this.#entries.get(id);
    if (entry?.place !== 'taken') return;
    if (attempts !== entry.call.attempts) entry.call = { ...entry.call, attempts };
    entry.place = 'waiting';
    entry.notBefore = notBefore;
    this.#waiting.push(entry);
  }

  async end(id: string, end: SpoolEnd): Promise<boolean> {
    this.#mustBeOpen();
    const entry = this.#find(id);
    if (!entry) return false;
    this.#remove(entry);
    if (end.kind === 'dead') {
      const call = plainCall(entry.call);
      this.#dead.keep({ ...call, attempts: call.attempts + 1, diedAt: end.at, error: end.error });
    }
    return true;
  }

  async expire(now: number): Promise<readonly SpooledCall[]> {
    this.#mustBeOpen();
    const dropped: SpooledCall[] = [];
    const taken: Entry[] = [];
    for (let first = this.#byExpiry.peek(); first && first.call.expiresAt <= now; first = this.#byExpiry.peek()) {
      this.#byExpiry.pop();
      if (first.place === 'taken') {
        taken.push(first);
        continue;
      }
      this.#remove(first);
      dropped.push(first.call);
    }
    for (const entry of taken) this.#byExpiry.push(entry);
    for (const call of this.#arrivals.shiftExpired(now)) {
      this.#sizeBytes -= call.sizeBytes;
      dropped.push(call);
    }
    return dropped;
  }

  load(): SpoolLoad {
    return {
      depth: this.#entries.size + this.#arrivals.size,
      sizeBytes: this.#sizeBytes,
      oldestDivertedAt: (this.#oldest?.call ?? this.#arrivals.peek())?.divertedAt,
    };
  }

  nextDueAt(): number | undefined {
    return this.#waiting.peek()?.notBefore;
  }

  async peek(limit: number): Promise<readonly SpooledCall[]> {
    const calls: SpooledCall[] = [];
    for (let entry = this.#oldest; entry && calls.length < limit; entry = entry.newer) calls.push(entry.call);
    calls.push(...this.#arrivals.head(limit - calls.length));
    return calls;
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return this.#dead.latest(limit);
  }

  async purgeDeadLetters(): Promise<number> {
    return this.#dead.purge();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #find(id: string): Entry | undefined {
    let found = this.#entries.get(id);
    while (found === undefined) {
      const next = this.#sortNext();
      if (!next) break;
      if (next.call.id === id) found = next;
    }
    return found;
  }

  /** Puts the call that came first of those that are in no place yet in its places. */
  #sortNext(): Entry | undefined {
    const call = this.#arrivals.shift();
    if (!call) return undefined;
    const entry: Entry = {
      call,
      number: ++this.#sorted,
      older: this.#newest,
      newer: undefined,
      olderOfKey: undefined,
      newerOfKey: undefined,
      place: 'ready',
      notBefore: 0,
    };
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
    if (call.key !== undefined) this.#queueByKey(entry, call.key);
    this.#entries.set(call.id, entry);
    this.#byExpiry.push(entry);
    if (entry.place === 'ready') this.#ready.push(entry);
    return entry;
  }

  #queueByKey(entry: Entry, key: string): void {
    const before = this.#newestOfKey.get(key);
    this.#newestOfKey.set(key, entry);
    if (!before) return;
    entry.olderOfKey = before;
    before.newerOfKey = entry;
    entry.place = 'behind';
  }

  #makeReady(entry: Entry): void {
    entry.place = 'ready';
    this.#ready.push(entry);
  }

  #remove(entry: Entry): void {
    const { call, older, newer, olderOfKey, newerOfKey } = entry;
    entry.place = 'gone';
    this.#entries.delete(call.id);
    this.#sizeBytes -= call.sizeBytes;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    if (call.key === undefined) return;
    if (olderOfKey) olderOfKey.newerOfKey = newerOfKey;
    if (newerOfKey) {
      newerOfKey.olderOfKey = olderOfKey;
      if (!olderOfKey) this.#makeReady(newerOfKey);
    } else if (olderOfKey) this.#newestOfKey.set(call.key, olderOfKey);
    else this.#newestOfKey.delete(call.key);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw closedError();
  }
}

const NOTHING_YET = {
  received: 0,
  replayed: 0,
  dead: 0,
  dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>,
} as const;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function closedError(): SpoolError {
  return new SpoolError('SPOOL_CLOSED', 'The spool is closed');
}
