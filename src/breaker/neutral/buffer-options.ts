import { breakerName, type Check, InvalidInputError, integer, object, oneOf } from '@switchgear/conventions';
import type { DeadCall } from './dead-call.ts';
import type { Spool } from './spool/spool.ts';

/** What becomes of a call that a full buffer gets. */
export const OVERFLOW_POLICIES = ['next', 'reject', 'dropOldest'] as const;
export type OverflowPolicy = (typeof OVERFLOW_POLICIES)[number];

export interface BufferWireOptions {
  /**
   * Default `buffer`, and `shared-buffer` over a spool that other processes have too: each of these reports the same calls, and
   * dashboards tell by `shared` at the beginning of a name that they are not to be added up.
   */
  readonly name?: string;
  /** Where calls are kept; default `memorySpool()`. A spool belongs to one wire. */
  readonly spool?: Spool;
  /** Most calls held at a time, 1 to 1,000,000; default 1,000. */
  readonly capacity?: number;
  /** Most bytes of input held at a time, 1 to 2^31 - 1; default 16 MiB. */
  readonly maxBytes?: number;
  /**
   * Of a call beyond these bounds. `next` (default): the next wire is asked; `reject`: its caller gets the error at once;
   * `dropOldest`: the oldest calls that are not being replayed make room for it. Each is counted as a drop, reason `overflow`.
   */
  readonly overflow?: OverflowPolicy;
  /** Milliseconds after which a held call is given up, 1 to 86,400,000; default 3,600,000 (an hour). */
  readonly ttlMs?: number;
  /** Replays of one call before it is dead, 1 to 1,000; default 5. */
  readonly maxAttempts?: number;
  /** Wait after a call's first failed replay, 1 to 86,400,000 ms each: it doubles with each further one, from 250 to 10,000. */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number };
  /** Most replays a second, 1 to 100,000; default 50. Fewer where they fail or are slow. Live calls go on beside them. */
  readonly drainPerSecond?: number;
  /** Most replays at a time, 1 to 1,000; default 4. Never two of one key. */
  readonly drainConcurrency?: number;
  /** Bytes one input takes; default: the length of its JSON. */
  readonly sizeOf?: (input: unknown) => number;
  /**
   * Takes a call that is dead. Without it, or where it throws, a call in memory counts as dropped, reason `exhausted`; a
   * durable spool keeps it among its dead letters in any case.
   */
  readonly onDead?: (call: DeadCall) => void | Promise<void>;
}

export interface ValidBufferOptions extends Omit<Required<BufferWireOptions>, 'spool' | 'onDead' | 'backoff'> {
  readonly onDead: BufferWireOptions['onDead'];
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
}

const MOST_BYTES = 2 ** 31 - 1;
const LONGEST_MS = 86_400_000;
const SPOOL_METHODS = ['open', 'append', 'take', 'giveBack', 'end', 'expire', 'load', 'nextDueAt', 'peek', 'close'];

const isFunction: Check = (value, field) =>
  typeof value === 'function' ? [] : [{ field, rule: 'must be a function', value }];
const isSpool: Check = (value, field) =>
  SPOOL_METHODS.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === 'function')
    ? []
    : [{ field, rule: 'must be a spool', value }];

const checkOptions = object(
  {},
  {
    name: breakerName,
    spool: isSpool,
    capacity: integer(1, 1_000_000),
    maxBytes: integer(1, MOST_BYTES),
    overflow: oneOf(OVERFLOW_POLICIES),
    ttlMs: integer(1, LONGEST_MS),
    maxAttempts: integer(1, 1_000),
    backoff: object({}, { baseMs: integer(1, LONGEST_MS), maxMs: integer(1, LONGEST_MS) }),
    drainPerSecond: integer(1, 100_000),
    drainConcurrency: integer(1, 1_000),
    sizeOf: isFunction,
    onDead: isFunction,
  },
);

/** @throws InvalidInputError naming each option that breaks its rule */
export function validateBufferOptions(options: BufferWireOptions): ValidBufferOptions {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return {
    name: options.name ?? (options.spool?.isShared ? 'shared-buffer' : 'buffer'),
    capacity: options.capacity ?? 1_000,
    maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
    overflow: options.overflow ?? 'next',
    ttlMs: options.ttlMs ?? 3_600_000,
    maxAttempts: options.maxAttempts ?? 5,
    backoff: { baseMs: options.backoff?.baseMs ?? 250, maxMs: options.backoff?.maxMs ?? 10_000 },
    drainPerSecond: options.drainPerSecond ?? 50,
    drainConcurrency: options.drainConcurrency ?? 4,
    sizeOf: options.sizeOf ?? jsonBytes,
    onDead: options.onDead,
  };
}

/** What an input without a size is taken for: it cannot be measured, and it is not nothing. */
const UNMEASURED_BYTES = 1_024;

/** A size that is no number would make the sum one that no bound holds. */
export function measure(input: unknown, sizeOf: (input: unknown) => number): number {
  const sizeBytes = sizeOf(input);
  return sizeBytes >= 0 ? sizeBytes : UNMEASURED_BYTES;
}

function jsonBytes(input: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(input) ?? '');
  } catch {
    return UNMEASURED_BYTES;
  }
}
