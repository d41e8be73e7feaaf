import { FAULTS, type FaultName } from './messages.ts';

/** One fault, in ms from the start of the traffic. */
export interface PlannedFault {
  readonly fault: FaultName;
  readonly beginMs: number;
  readonly endMs: number;
}

const FIRST_AT_MS = 2_000;
const FAULT_MS = 3_000;
const PAUSE_MS = 3_000;
/** Between the last fault and the end of the traffic: a cooldown, the probes and a whole drain, several times over. */
const RECOVERY_MS = 7_000;

const ORDER = Object.keys(FAULTS) as FaultName[];

/**
 * The faults of a run of `forMs`, one after the other and each with time to recover; without end where `forMs` is null.
 * With a seed their order is shuffled and their lengths vary by a fifth, alike for the same seed.
 */
export function* planFaults(forMs: number | null, seed: number | null): Generator<PlannedFault> {
  const random = seed === null ? null : mulberry32(seed);
  const lastEndMs = forMs === null ? Number.POSITIVE_INFINITY : forMs - RECOVERY_MS;
  let beginMs = FIRST_AT_MS;
  for (;;) {
    for (const fault of random ? shuffled(ORDER, random) : ORDER) {
      const endMs = beginMs + varied(FAULT_MS, random);
      if (endMs > lastEndMs) return;
      yield { fault, beginMs, endMs };
      beginMs = endMs + varied(PAUSE_MS, random);
    }
  }
}

/** Switches the planned faults on and off. */
export class FaultRunner {
  readonly #plan: Iterator<PlannedFault>;
  readonly #set: (fault: FaultName, active: boolean) => void;
  #active: FaultName | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;

  constructor(plan: Iterable<PlannedFault>, set: (fault: FaultName, active: boolean) => void) {
    this.#plan = plan[Symbol.iterator]();
    this.#set = set;
  }

  get active(): FaultName | undefined {
    return this.#active;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#next();
  }

  /** Ends the fault that is on, and begins no more. */
  stop(): void {
    clearTimeout(this.#timer);
    if (this.#active) this.#set(this.#active, false);
    this.#active = undefined;
  }

  #next(): void {
    const { done, value } = this.#plan.next();
    if (done) return;
    this.#at(value.beginMs, () => {
      this.#active = value.fault;
      this.#set(value.fault, true);
      this.#at(value.endMs, () => {
        this.#active = undefined;
        this.#set(value.fault, false);
        this.#next();
      });
    });
  }

  #at(ms: number, run: () => void): void {
    this.#timer = setTimeout(run, Math.max(0, this.#startedAt + ms - performance.now()));
  }
}

function varied(ms: number, random: (() => number) | null): number {
  return random ? Math.round(ms * (0.8 + 0.4 * random())) : ms;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}

/** Tommy Ettinger's generator: 32 bits of state are plenty for an order of faults. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
