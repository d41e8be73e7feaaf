import { expect } from 'vitest';
import {
  type Breaker,
  type BreakerDefinition,
  type BreakerReadings,
  bufferWire,
  type CallContext,
  type CallPermit,
  createBreaker,
  fallbackWire,
  type NeutralWire,
} from '../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../src/breaker/testing.ts';
import type { End, Making, Step } from './calls-steps.ts';

const BAD_RESULT = { status: 503 };
/** Most calls that its buffer holds. */
export const CAPACITY = 4;

let made = 0;

/** A breaker that steps happen to, and what its numbers have to come to. */
export class CallsRun {
  readonly clock = new ManualClock();
  readonly breaker: Breaker;
  readonly #replays: readonly boolean[];
  readonly #definition: BreakerDefinition;
  /** What is laid over the definition. */
  #limit: number | null;
  #mode: NonNullable<BreakerDefinition['mode']>;
  readonly #permits: CallPermit[] = [];
  #readings: BreakerReadings | undefined;
  #offered = 0;
  #replayed = 0;
  #failuresHeard = 0;
  #turnedAwayHeard = 0;
  /** Calls of `allow` that nothing was recorded of. */
  #allowed = 0;
  #before: Readonly<Record<string, number>> = {};

  constructor({ mode, wires, replays, maxConcurrent, windowCalls, debounceMs, ramp }: Making) {
    this.#replays = replays;
    this.#mode = mode;
    this.#limit = maxConcurrent;
    this.#definition = {
      trip: {
        failureRatio: null,
        failures: 2,
        windowMs: 2_000,
        slowRatio: 0.9,
        slowMs: 150,
        minimumCalls: 4,
        windowCalls,
        debounceMs,
      },
      cooldownMs: 500,
      halfOpen: { probes: 2, probeTimeoutMs: 200, ramp, rampStepMs: 300 },
      timeoutMs: 300,
      maxConcurrent,
    };
    const telemetry = Object.assign(new RecordingObserver(), {
      added: (readings: BreakerReadings) => {
        this.#readings = readings;
      },
    });
    this.breaker = createBreaker<readonly NeutralWire[]>(`property-${++made}`, {
      clock: this.clock,
      telemetry,
      ...this.#definition,
      mode,
      isFailure: (error) => !(error instanceof TypeError),
      isFailureResult: (result) => result === BAD_RESULT,
      isSlow: ({ result }) => result === BAD_RESULT,
      neutralWires: wiresFor(wires),
    });
    this.breaker.onFailure(() => this.#failuresHeard++);
    this.breaker.onTurnedAway(() => this.#turnedAwayHeard++);
  }

  /** Calls that came, and those that a buffer replayed. */
  get received(): number {
    return this.#offered + this.#replayed;
  }

  async take(step: Step): Promise<void> {
    const { breaker } = this;
    switch (step.do) {
      case 'call':
        this.#call(step.ends, step.replayable);
        break;
      case 'call at once':
        this.#offered += 1;
        quietly(() => breaker.executeSync(() => endingOf(step.ends, this.clock)));
        break;
      case 'acquire': {
        this.#offered += 1;
        const permit = breaker.acquire();
        if (permit) this.#permits.push(permit);
        break;
      }
      case 'tell': {
        const permit = this.#permits[step.which];
        if (!permit) break;
        for (let times = 0; times < (step.twice ? 2 : 1); times++) tell(permit, step.told);
        break;
      }
      case 'allow':
        this.#offered += 1;
        if (breaker.allow()) this.#allowed += 1;
        break;
      case 'record':
        this.#record(step.told);
        break;
      case 'limit':
        breaker.configure({ maxConcurrent: step.to });
        this.#limit = step.to;
        break;
      case 'redefine':
        breaker.redefine({ ...this.#definition, mode: step.mode });
        this.#mode = step.mode;
        break;
      case 'wait':
        await this.clock.advance(step.ms);
        break;
      case 'trip':
        breaker.trip();
        break;
      case 'reset':
        breaker.reset();
        break;
      case 'hold': {
        const expiresAt = new Date(this.clock.wallMs() + 1_000).toISOString();
        breaker.holdIn({ mode: 'forced_open', reason: 'r', actor: 'a', expiresAt });
        break;
      }
      case 'release':
        breaker.release();
        break;
      case 'export and import':
        breaker.importState(JSON.parse(JSON.stringify(breaker.exportState())));
    }
    await this.clock.advance(0);
    this.#check();
    this.#checkDefinition();
  }

  /** Gives back every permit, lets every call end and closes the breaker down. */
  async end(drainForMs = 0): Promise<void> {
    for (const permit of this.#permits) permit.release();
    while (this.#allowed > 0) this.#record('success');
    await this.clock.advance(300);
    const closing = this.breaker.close({ drainForMs });
    await this.clock.advance(drainForMs + 1_000);
    await closing;
    this.#check();
    expect(this.#readings?.activeCalls()).toBe(0);
    // What all calls of a clock share runs out by itself: the longest is the time that wires have to answer.
    await this.clock.advance(10_000);
    expect(this.clock.pendingTimers).toBe(0);
  }

  /** What holds at any time. */
  #check(): void {
    const { calls, wires } = this.breaker.stats();
    const active = this.#readings?.activeCalls() ?? Number.NaN;
    expect(active).toBeGreaterThanOrEqual(0);
    // Each call has one outcome, or is in flight.
    expect(sum(calls) + active).toBe(this.received);
    expect(this.#failuresHeard).toBe(calls.failure + calls.timeout);
    expect(this.#turnedAwayHeard).toBe(calls.rejected + calls.limited + calls.diverted);
    const { executed, failed, slow, consecutive } = this.breaker.exportState().window;
    expect(Math.min(failed, slow, consecutive)).toBeGreaterThanOrEqual(0);
    expect(executed).toBeGreaterThanOrEqual(Math.max(failed, slow));
    for (const wire of wires) expect(wire.depth).toBeLessThanOrEqual(CAPACITY);
    for (const [outcome, count] of Object.entries(calls)) {
      expect(count).toBeGreaterThanOrEqual(this.#before[outcome] ?? 0);
    }
    this.#before = calls;
  }

  /** What holds until it is closed down: an override first, then its own mode; and the patch over its own settings. */
  #checkDefinition(): void {
    const held = this.breaker.override?.mode ?? (this.#mode === 'auto' ? undefined : this.#mode);
    if (held) expect(this.breaker.state).toBe(held);
    else expect(['closed', 'open', 'half_open']).toContain(this.breaker.state);
    expect(this.breaker.settings.maxConcurrent).toBe(this.#limit);
  }

  /** What nobody asked for is a call of its own, and so is one whose permit was given up. */
  #record(told: 'success' | Parameters<typeof errorOf>[0]): void {
    const before = this.#told();
    if (told === 'success') this.breaker.recordSuccess();
    else this.breaker.recordError(errorOf(told));
    const added = this.#told() - before;
    expect(added).toBeGreaterThanOrEqual(this.#allowed > 0 ? 0 : 1);
    expect(added).toBeLessThanOrEqual(1);
    this.#allowed = Math.max(0, this.#allowed - 1);
    this.#offered += added;
  }

  /** Calls that have an outcome or are in flight. */
  #told(): number {
    return sum(this.breaker.stats().calls) + (this.#readings?.activeCalls() ?? 0);
  }

  #call(ends: End, replayable: boolean): void {
    this.#offered += 1;
    const caller = new AbortController();
    let live = true;
    const act = async (_: CallContext): Promise<unknown> => {
      if (live) return endingOf(ends, this.clock);
      this.#replayed += 1;
      if (this.#replays[this.#replayed % this.#replays.length]) return 'good';
      throw new Error('bad');
    };
    const { signal } = caller;
    const ended = replayable
      ? this.breaker.protect((_: number, context) => act(context))(this.#offered, { signal })
      : this.breaker.execute(act, { signal });
    ended.catch(() => {});
    // A call that is let through runs before its promise is returned: what runs of it later is a replay.
    live = false;
    if (ends === 'cancelled') caller.abort();
  }
}

function wiresFor(wires: Making['wires']): readonly NeutralWire[] {
  if (wires === 'none') return [];
  const buffer = bufferWire({ capacity: CAPACITY, ttlMs: 4_000, maxAttempts: 2, drainPerSecond: 10, onDead: () => {} });
  if (wires === 'buffer') return [buffer];
  let asked = 0;
  return [fallbackWire(() => (asked++ % 2 === 0 ? Promise.reject(new Error('stale')) : 'stale')), buffer];
}

function endingOf(ends: End, clock: ManualClock): unknown {
  switch (ends) {
    case 'good':
      return 'good';
    case 'bad result':
      return BAD_RESULT;
    case 'bad':
    case 'ignored':
      throw errorOf(ends === 'bad' ? 'error' : 'ignored');
    case 'later':
      return new Promise((resolve) => clock.timer(120, () => resolve('good')));
    default:
      return new Promise(() => {});
  }
}

function errorOf(told: 'error' | 'ignored'): Error {
  return told === 'error' ? new Error('bad') : new TypeError('ignored');
}

function tell(permit: CallPermit, told: 'success' | 'error' | 'ignored' | 'release'): void {
  if (told === 'success') permit.recordSuccess();
  else if (told === 'release') permit.release();
  else permit.recordError(errorOf(told));
}

function quietly(act: () => unknown): void {
  try {
    act();
  } catch {
    // What it ends with is the caller's; here it is only counted.
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
