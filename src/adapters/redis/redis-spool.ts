import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type DeadLetter,
  outside,
  type Spool,
  type SpoolEnd,
  SpoolError,
  type SpooledCall,
  type SpoolLoad,
  type SpoolOpening,
  type SpoolTotals,
} from '@switchgear/breaker/spool';
import { AwaitedEnds } from './awaited-ends.ts';
import { readKeptCall, writeCall, writeResult } from './kept-call.ts';
import { checkRedisSpoolOptions, type RedisSpoolOptions } from './redis-spool-options.ts';
import { isRefusal, type ScriptFailure, ScriptRunner } from './script-runner.ts';
import { BATCH, KEY_NAMES, SCRIPTS } from './scripts.ts';
import { EMPTY_STATUS, readStatus, type SpoolStatus } from './spool-status.ts';

/** A spool in Redis, of which any replica of a service has one. */
export interface RedisSpool extends Spool {
  /**
   * What has become of all calls of all replicas, of the same moment as `load()`: in both together
   * received = replayed + dead + dropped + held.
   */
  totals(): SpoolTotals;
  /** Asks Redis for what `load()`, `totals()` and `nextDueAt()` tell. @throws SpoolError where it does not answer */
  refresh(): Promise<void>;
}

/**
 * Keeps the calls of one buffer wire on a stream of Redis 7 or later, where they outlive the process and its host, and any replica of
 * the service replays them: each call by one at a time, the calls of a key in order, and those of a process that has died
 * by another after `claimAfterMs`. What `append` has acknowledged, Redis has answered for: it is as safe as the
 * persistence of that Redis makes it (`appendonly yes` with `appendfsync always`: on its disk).
 * @throws InvalidInputError for an option out of its range
 */
export function redisSpool(options: RedisSpoolOptions): RedisSpool {
  checkRedisSpoolOptions(options);
  return new StreamSpool(options);
}

/** Age in ms at which what `load()` tells is asked for anew. */
const FRESH_FOR_MS = 1_000;
/** Most dead letters that may be kept. */
const MOST_LETTERS = 1_000_000;
/** Most ids kept of calls that are to be withdrawn; some 40 characters each. */
const MOST_DOUBTFUL = 10_000;

class StreamSpool implements RedisSpool {
  readonly kind = 'redis';
  readonly isDurable = true;
  readonly isShared = true;
  readonly #runner: ScriptRunner;
  readonly #options: RedisSpoolOptions;
  readonly #consumer: string;
  readonly #claimAfterMs: number;
  #phase: 'new' | 'open' | 'closed' = 'new';
  #owner = '';
  #status: SpoolStatus = EMPTY_STATUS;
  /** Monotonic ms. */
  #statusAt = 0;
  #refreshing = false;
  /** Ids of the calls that this process has taken. */
  readonly #taken = new Set<string>();
  /** Ids of calls that may be held although their callers were told otherwise. */
  readonly #doubtful = new Set<string>();
  /** Ids of taken calls whose end was sent, and the answer lost. */
  readonly #perhapsEnded = new Set<string>();
  readonly #ends = new AwaitedEnds();
  /** When Redis was away last: monotonic ms. */
  #awayAt = Number.NEGATIVE_INFINITY;
  readonly #tickMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisSpoolOptions) {
    this.#options = options;
    this.#consumer = options.consumer ?? `${hostname()}-${randomUUID()}`;
    this.#claimAfterMs = options.claimAfterMs ?? 30_000;
    this.#tickMs = Math.min(1_000, this.#claimAfterMs / 3);
    this.#runner = new ScriptRunner(options.client, keysOf(options.stream), options.timeoutMs ?? 2_000);
  }

  async open({ breaker, wire }: { readonly breaker: string; readonly wire: string }): Promise<SpoolOpening> {
    if (this.#phase === 'closed') throw closedError();
    this.#owner = `${breaker}/${wire}`;
    await this.#establish();
    this.#phase = 'open';
    return { totals: this.#status.totals, damage: undefined };
  }

  async append(call: SpooledCall): Promise<void> {
    const { id, key, sizeBytes, expiresAt, divertedAt, attempts } = call;
    const order = key === undefined ? ['0', ''] : ['1', key];
    // A script that breaks off on a number has done the half of its work.
    if (![sizeBytes, expiresAt, divertedAt, attempts].every(Number.isFinite)) {
      throw new SpoolError('SPOOL_FAILED', `A size, a time or the attempts of the call "${id}" is not a finite number`);
    }
    const args = [id, writeCall(call), ...order, Math.ceil(sizeBytes), expiresAt, divertedAt, attempts];
    await this.#run(SCRIPTS.append, args, ({ mayBeDone }) => mayBeDone && this.#doubt(id));
    this.#ends.add(call, this.#claimAfterMs);
    this.#keepTime();
  }

  async take(limit: number, now: number): Promise<readonly SpooledCall[]> {
    if (this.#doubtful.size > 0) await this.#withdraw();
    return inBatches(limit, async (count) => {
      const found = inGroups(await this.#run(SCRIPTS.take, [count, now]), 3);
      const calls = found
        .map(([, text = '', attempts]) => readKeptCall(text, attempts))
        // Another replica, of a newer Node.js, may be able to: it has it after `claimAfterMs`.
        .filter(({ isReadable }) => isReadable)
        .map(({ call }) => call);
      for (const { id } of calls) this.#taken.add(id);
      this.#keepTime();
      return calls;
    });
  }

  async giveBack(id: string, attempts: number, notBefore: number): Promise<void> {
    // Where this fails, it stays with this process, which will try again.
    await this.#run(SCRIPTS.giveBack, [id, attempts, notBefore]);
    this.#taken.delete(id);
  }

  async end(id: string, end: SpoolEnd): Promise<boolean> {
    const awaitAgain = this.#ends.take(id);
    let hasEnded = false;
    try {
      // Whoever waits for its result is here, or in the process that appended it.
      hasEnded = await this.#end(id, end, awaitAgain !== undefined);
      return hasEnded;
    } finally {
      if (!hasEnded) awaitAgain?.();
    }
  }

  onEndElsewhere(heard: (id: string, end: SpoolEnd | undefined) => void): void {
    this.#ends.listen(heard);
  }

  async expire(now: number): Promise<readonly string[]> {
    const ids = await inBatches(Number.POSITIVE_INFINITY, (count) => this.#run(SCRIPTS.expire, [count, now]));
    for (const id of ids) this.#ends.take(id);
    return ids;
  }

  load(): SpoolLoad {
    this.#freshen();
    return this.#status.load;
  }

  totals(): SpoolTotals {
    this.#freshen();
    return this.#status.totals;
  }

  nextDueAt(): number | undefined {
    this.#freshen();
    return this.#status.firstDueAt;
  }

  async refresh(): Promise<void> {
    await this.#run(SCRIPTS.status, []);
  }

  async peek(limit: number): Promise<readonly SpooledCall[]> {
    let start = '-';
    return inBatches(limit, async (count) => {
      const entries = inGroups(await this.#run(SCRIPTS.peek, [count, start]), 3);
      start = `(${entries.at(-1)?.[0]}`;
      return entries.map(([, text = '', attempts]) => readKeptCall(text, attempts).call);
    });
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    const most = Math.min(limit, MOST_LETTERS);
    const letters = most < 1 ? [] : inGroups(await this.#run(SCRIPTS.deadLetters, [most]), 4);
    return letters.map(([text = '', attempts, diedAt, error = '']) => ({
      ...readKeptCall(text, String(Number(attempts) + 1)).call,
      diedAt: Number(diedAt),
      error,
    }));
  }

  async purgeDeadLetters(): Promise<number> {
    const [count] = await this.#run(SCRIPTS.purgeDeadLetters, []);
    return Number(count);
  }

  async close(): Promise<void> {
    if (this.#phase === 'open') {
      // Where Redis is away, the others take what this process had after `claimAfterMs`.
      if (this.#doubtful.size > 0) await this.#withdraw().catch(() => {});
      await this.#run(SCRIPTS.close, []).catch(() => {});
    }
    this.#phase = 'closed';
    this.#taken.clear();
    this.#doubtful.clear();
    this.#perhapsEnded.clear();
    this.#ends.clear();
    clearInterval(this.#timer);
  }

  async #end(id: string, end: SpoolEnd, hasCallerHere: boolean): Promise<boolean> {
    const death = end.kind === 'dead' ? [this.#options.maxDeadLetters ?? 1_000] : [];
    const args = [id, totalOf(end), ...detailOf(end, hasCallerHere), ...death];
    const [wasHeld] = await this.#run(SCRIPTS.end, args, ({ mayBeDone }) => {
      if (mayBeDone && this.#taken.has(id)) this.#perhapsEnded.add(id);
    });
    this.#taken.delete(id);
    // It was this process's own all the time: who else should have ended it?
    const wasEndedBefore = this.#perhapsEnded.delete(id);
    return wasHeld === '1' || wasEndedBefore;
  }

  async #run(
    script: string,
    asked: readonly (string | number)[],
    onFailure: (failure: ScriptFailure) => void = () => {},
  ): Promise<string[]> {
    if (this.#phase !== 'open') throw closedError();
    let outcome = await this.#evaluate(script, asked);
    if ('error' in outcome && isRefusal(outcome.error.cause, 'NOGROUP')) {
      // A Redis that keeps nothing came back without the stream.
      await this.#establish();
      outcome = await this.#evaluate(script, asked);
    }
    if ('reply' in outcome) return this.#read(outcome.reply);
    onFailure(outcome);
    throw outcome.error;
  }

  async #evaluate(script: string, asked: readonly (string | number)[]) {
    const given = [this.#options.group ?? 'switchgear', this.#consumer, this.#claimsAfterMs(), ...asked];
    const outcome = await this.#runner.run(script, given.map(String));
    if ('error' in outcome && outcome.isAway) this.#awayAt = performance.now();
    return outcome;
  }

  /** Where Redis was away, others could not be heard of: they have two ticks to say that they live. */
  #claimsAfterMs(): number {
    return performance.now() - this.#awayAt < 2 * this.#tickMs ? Number.MAX_SAFE_INTEGER : this.#claimAfterMs;
  }

  async #establish(): Promise<void> {
    const outcome = await this.#evaluate(SCRIPTS.open, [this.#owner]);
    if ('error' in outcome) throw outcome.error;
    const [owner, group] = this.#read(outcome.reply);
    if (owner === this.#owner && group === (this.#options.group ?? 'switchgear')) return;
    const whose = `the stream ${this.#options.stream} is that of ${owner}, group ${group}`;
    throw new SpoolError('SPOOL_LOCKED', `${whose}: each buffer wire needs a stream of its own`);
  }

  /** Every reply ends with the state of the spool; what is left is the result. */
  #read(reply: unknown): string[] {
    const [result, status] = reply as [unknown[], unknown[]];
    this.#status = readStatus(status);
    this.#statusAt = performance.now();
    return result.map(String);
  }

  #freshen(): void {
    const isFresh = performance.now() - this.#statusAt < FRESH_FOR_MS;
    if (isFresh || this.#refreshing || this.#phase !== 'open') return;
    this.#refreshing = true;
    outside(() => {
      this.refresh()
        // What was known last stands while Redis is away; whoever reads next asks again.
        .catch(() => {})
        .finally(() => {
          this.#refreshing = false;
        });
    });
  }

  #doubt(id: string): void {
    this.#doubtful.add(id);
    if (this.#doubtful.size > MOST_DOUBTFUL) this.#doubtful.delete(this.#doubtful.keys().next().value ?? '');
    this.#keepTime();
  }

  async #withdraw(): Promise<void> {
    const ids = [...this.#doubtful].slice(0, BATCH);
    await this.#run(SCRIPTS.withdraw, ids);
    for (const id of ids) this.#doubtful.delete(id);
  }

  /** Has a timer only while this process has calls to renew, to withdraw or to hear of; it keeps no process alive. */
  #keepTime(): void {
    if (this.#timer || this.#phase !== 'open' || !this.#hasToLook()) return;
    outside(() => {
      this.#timer = setInterval(() => void this.#tick(), this.#tickMs);
      this.#timer.unref();
    });
  }

  #hasToLook(): boolean {
    return this.#taken.size > 0 || this.#doubtful.size > 0 || this.#ends.isWaiting;
  }

  async #tick(): Promise<void> {
    if (!this.#hasToLook()) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    try {
      const ids = [...this.#taken];
      for (let at = 0; at < ids.length; at += BATCH) await this.#run(SCRIPTS.renew, ids.slice(at, at + BATCH));
      if (this.#doubtful.size > 0) await this.#withdraw();
      await this.#ends.look((script, asked) => this.#run(script, asked), this.#taken);
    } catch {
      // Redis is away: the next tick tries again.
      this.#ends.giveUpLate(this.#taken);
    }
  }
}

function totalOf(end: SpoolEnd): string {
  return end.kind === 'dropped' ? `dropped:${end.reason}` : end.kind;
}

/** When, and the result or the error, as the script asks for them. */
function detailOf(end: SpoolEnd, hasCallerHere: boolean): readonly [string | number, string] {
  if (end.kind === 'dead') return [end.at, end.error];
  return ['', end.kind === 'replayed' && !hasCallerHere ? writeResult(end.value) : ''];
}

/** All in one slot of a cluster, that of the stream. */
function keysOf(stream: string): string[] {
  const tagged = stream.includes('{') ? stream : `{${stream}}`;
  return [stream, ...KEY_NAMES.map((name) => `${tagged}:${name}`)];
}

/**
 * Asks again and again for as many as are wanted, until there are no more. Where Redis goes away between two batches, what it
 * gave by then is the result: it has been taken, and nobody else will be told.
 */
async function inBatches<T>(limit: number, ask: (count: number) => Promise<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < limit) {
    const count = Math.min(limit - all.length, BATCH);
    try {
      const batch = await ask(count);
      all.push(...batch);
      if (batch.length < count) break;
    } catch (error) {
      if (all.length === 0) throw error;
      break;
    }
  }
  return all;
}

function inGroups(values: readonly string[], size: number): string[][] {
  return Array.from({ length: values.length / size }, (_, index) => values.slice(index * size, (index + 1) * size));
}

function closedError(): SpoolError {
  return new SpoolError('SPOOL_CLOSED', 'the spool is not open');
}
