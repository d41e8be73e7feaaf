import type { DropReason } from '@switchgear/conventions';

/** One call as a spool keeps it. All of it is plain data but `input`, which a durable spool writes as JSON. */
export interface SpooledCall {
  /** The id of its receipt: unique, over restarts too. */
  readonly id: string;
  /** The name of the protected function that it is replayed through. */
  readonly operation: string;
  readonly input: unknown;
  /** Calls of one key are replayed in the order in which they were appended. */
  readonly key: string | undefined;
  /** Handed to the protected function with each attempt. */
  readonly idempotencyKey: string;
  /** Wall time, ms since the epoch. */
  readonly divertedAt: number;
  /** Wall time, ms since the epoch; from then on it is given up. */
  readonly expiresAt: number;
  readonly sizeBytes: number;
  /** Replays that were tried and failed. */
  readonly attempts: number;
}

/** A call at the end of its attempts: the one that it died of is among them, though it was not given back. */
export interface DeadLetter extends SpooledCall {
  /** Wall time, ms since the epoch. */
  readonly diedAt: number;
  /** What the last attempt failed with, in words. */
  readonly error: string;
}

/** What has become of all calls a spool ever took in: `received` is the sum of the others and of what it holds. */
export interface SpoolTotals {
  readonly received: number;
  readonly replayed: number;
  readonly dead: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
}

/** What a spool finds when it is opened. */
export interface SpoolOpening {
  /** Of this spool over all processes that had it; zeros for one that is new or that forgets. */
  readonly totals: SpoolTotals;
  /** What could not be read and was cut off; undefined where all could. */
  readonly damage: { readonly lostCalls: number | undefined; readonly report: string } | undefined;
}

/** What a spool holds now, dead letters not counted. */
export interface SpoolLoad {
  readonly depth: number;
  readonly sizeBytes: number;
  /** Wall time, ms, of the oldest held call; undefined where it holds none. */
  readonly oldestDivertedAt: number | undefined;
}

/** How a call left the spool. */
export type SpoolEnd =
  /** With what the replay gave: a shared spool tells the process that took the call in. */
  | { readonly kind: 'replayed'; readonly value?: unknown }
  /** Kept among the dead letters, of which the spool holds a bounded number. */
  | { readonly kind: 'dead'; readonly at: number; readonly error: string }
  | { readonly kind: 'dropped'; readonly reason: DropReason };

/**
 * Where a buffer wire keeps its calls. A port: memory, a SQLite file, Redis Streams. What `append` has acknowledged survives
 * what the spool survives, and is taken until it is ended: at least once.
 */
export interface Spool {
  /** `memory`, `sqlite`, `redis`. */
  readonly kind: string;
  /** Whether calls outlive the process. */
  readonly isDurable: boolean;
  /** Whether other processes append to it and drain it as well, so that only its own `load` knows what it holds. */
  readonly isShared?: boolean;
  /** Whether the calls that it hands out are the very objects that it was given. */
  readonly isByReference?: boolean;
  /**
   * Makes it ready for one buffer wire; called before all else, and again after a while where it threw.
   * @throws SpoolError where it cannot be had, such as a file that another process has
   */
  open(owner: { readonly breaker: string; readonly wire: string }): Promise<SpoolOpening>;
  /**
   * Takes a call in. Once this returns without a promise, or its promise resolves, the call is safe.
   * @throws SpoolError where it could not be written; it is not held then
   */
  append(call: SpooledCall): Promise<void> | void;
  /**
   * Takes out up to `limit` calls to be replayed, oldest first. A call is left where an older one of its key is still held,
   * whether that one is taken or waits. What is taken is still held until it is ended or given back.
   * @param now wall time, ms: calls given back until later, and expired ones, are left
   */
  take(limit: number, now: number): Promise<readonly SpooledCall[]>;
  /** A taken call is held again, with its attempts so far, and not to be taken before `notBefore` (wall time, ms). */
  giveBack(id: string, attempts: number, notBefore: number): Promise<void>;
  /** A call, taken or not, is held no more. False where it is not held. */
  end(id: string, end: SpoolEnd): Promise<boolean>;
  /**
   * Of a shared spool: from now on `heard` is told of calls that were appended here and ended by other processes, each once and
   * soon after its end. Without an end where the call is held no more, and it is not known how it ended.
   */
  onEndElsewhere?(heard: (id: string, end: SpoolEnd | undefined) => void): void;
  /** Drops the calls that have expired by `now` and are not taken, reason `expired`. Returns them, or their ids. */
  expire(now: number): Promise<readonly (string | SpooledCall)[]>;
  /** From memory: it is read at every collection of metrics. */
  load(): SpoolLoad;
  /** When the next call that waits may be taken: wall time, ms; undefined where none waits for a time. */
  nextDueAt(): number | undefined;
  /** The oldest held calls, which stay. */
  peek(limit: number): Promise<readonly SpooledCall[]>;
  /** The latest dead letters, newest first. */
  deadLetters(limit: number): Promise<readonly DeadLetter[]>;
  /** Forgets all dead letters. Returns how many. */
  purgeDeadLetters(): Promise<number>;
  /** Lets go of it; what is held stays where the spool is durable. */
  close(): Promise<void>;
}

/** A spool could not do what it was asked. */
export class SpoolError extends Error {
  readonly code: 'SPOOL_LOCKED' | 'SPOOL_FAILED' | 'SPOOL_CLOSED';

  constructor(code: SpoolError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SpoolError';
    this.code = code;
  }
}
