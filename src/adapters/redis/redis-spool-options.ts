import { type Check, InvalidInputError, integer, object, text } from '@switchgear/conventions';
import type { RedisClient } from './redis-client.ts';

export interface RedisSpoolOptions {
  /** Connected by whoever made it, who also closes it, after the breaker. */
  readonly client: RedisClient;
  /**
   * Key of the stream, 1 to 500 characters: the same in all replicas of a service, another for each buffer wire. What belongs
   * to it is kept under `{<stream>}:…`, or under `<stream>:…` where it has a hash tag.
   */
  readonly stream: string;
  /** Name of the consumer group, 1 to 200 characters; default `switchgear`. The same in all replicas. */
  readonly group?: string;
  /**
   * Name of this process in the group, 1 to 200 characters; default: the host's and a random part. One that stays the same over
   * restarts gets its calls back at once; two processes at a time must not have the same.
   */
  readonly consumer?: string;
  /** Milliseconds for which a process may be unheard of before others take the calls that it had, 100 to 3,600,000; default 30,000. */
  readonly claimAfterMs?: number;
  /** Dead letters kept, 0 to 1,000,000; default 1,000. Together they are no larger than 16 MiB: the oldest go. */
  readonly maxDeadLetters?: number;
  /** Milliseconds for which Redis may take over one answer, 10 to 60,000; default 2,000. */
  readonly timeoutMs?: number;
}

const isClient: Check = (value, field) =>
  typeof (value as Partial<RedisClient> | null)?.sendCommand === 'function'
    ? []
    : [{ field, rule: 'must be a client with sendCommand(), such as one of the package `redis`', value: typeof value }];
/** The keys beside the stream are in its slot of a cluster: that of its hash tag, or of all of it. */
const isSlot: Check = (value, field) =>
  typeof value !== 'string' || /^[^{}]*$|^[^{]*\{[^}]+\}/.test(value)
    ? []
    : [{ field, rule: 'must have no braces but those of a hash tag, such as {mail}:held', value }];
const isStream: Check = (value, field) => [...text(1, 500)(value, field), ...isSlot(value, field)];
const checkOptions = object(
  { client: isClient, stream: isStream },
  {
    group: text(1, 200),
    consumer: text(1, 200),
    claimAfterMs: integer(100, 3_600_000),
    maxDeadLetters: integer(0, 1_000_000),
    timeoutMs: integer(10, 60_000),
  },
);

/** @throws InvalidInputError for an option out of its range */
export function checkRedisSpoolOptions(options: RedisSpoolOptions): void {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
}
