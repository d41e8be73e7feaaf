import type { Contender } from './contender.ts';
import type { Measurement } from './measurement.ts';
import { median } from './median.ts';
import { threadStopwatch } from './thread-stopwatch.ts';

/** Many short rounds: what disturbs the machine for a second spoils a few rounds of all, and not all rounds of one. */
const ROUNDS = 21;
const ROUND_MS = 40;
const SETTLE_MS = 5;
const WARM_UP_MS = 500;
/** Calls between two looks at the clock. */
const BATCH = 500;

/**
 * Times contenders in turns: all are warmed up first, then each has its slice of every round, in an order that moves on,
 * from a heap that was just collected. What is measured first or last in a process would else be up to 40 % off. A
 * figure is the median of the rounds; that of the contender called `switchgear` is ours, the others are its peers.
 * @param betweenRounds runs after each round, untimed
 */
export async function timeSideBySide(
  name: string,
  what: string,
  contenders: readonly Contender[],
  betweenRounds?: () => Promise<void>,
): Promise<Measurement> {
  const medians = await medianNs(contenders, betweenRounds);
  const { switchgear: figure, ...peers } = Object.fromEntries(medians);
  if (figure === undefined) throw new Error(`${name} has no contender of ours`);
  return { name, what, unit: 'ns', figure, peers };
}

async function medianNs(
  contenders: readonly Contender[],
  betweenRounds: (() => Promise<void>) | undefined,
): Promise<Map<string, number>> {
  const runners = contenders.map((contender, index) => new Runner(contender, index));
  // In slices too: what one teaches the engine about shared code, all the others have to live with.
  for (let warm = 0; warm < WARM_UP_MS; warm += ROUND_MS) for (const runner of runners) await runner.run(ROUND_MS);
  const times = new Map(runners.map((runner) => [runner, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < runners.length; turn++) {
      const runner = runners[(round + turn) % runners.length]!;
      collectGarbage();
      await runner.run(SETTLE_MS);
      times.get(runner)!.push(await runner.run(ROUND_MS));
    }
    await betweenRounds?.();
  }
  for (const runner of runners) runner.check();
  return new Map([...times].map(([runner, figures]) => [runner.name, median(figures)]));
}

/** Calls one contender again and again, and sees that each call took its path. */
export class Runner {
  readonly name: string;
  readonly #contender: Contender;
  readonly #loop: Loop;
  #calls = 0;

  /** @param index tells it from others of its process */
  constructor(contender: Contender, index = 0) {
    this.name = contender.name;
    this.#contender = contender;
    this.#loop = makeLoop(index);
  }

  /** Made so far. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Calls until its thread has worked for so long. Returns the nanoseconds one call took of the thread, what the collector
   * took of it included: on a quiet machine that is the time on the clock, and on a busy one it leaves out what others took.
   */
  async run(ms: number): Promise<number> {
    const { call, answer } = this.#contender;
    const workMs = threadStopwatch();
    let calls = 0;
    let worked = 0;
    while (worked < ms) {
      await this.#loop(call, answer, BATCH);
      calls += BATCH;
      worked = workMs();
    }
    this.#calls += calls;
    return (worked / calls) * 1e6;
  }

  check(): void {
    this.#contender.check?.(this.#calls);
  }
}

type Loop = (call: () => Promise<unknown>, answer: unknown, calls: number) => Promise<void>;

/**
 * A loop that is compiled for one contender: in a common one the engine would see many functions in one place, and give
 * the first what it cannot give the others. The index keeps it from being taken for a copy of another.
 */
function makeLoop(index: number): Loop {
  return new Function(`return async function loop${index}(call, answer, calls) {
    for (let count = 0; count < calls; count++) {
      if ((await call()) !== answer) throw new Error('a call did not take the path that this case measures');
    }
  }`)() as Loop;
}

/** Only where the process was started for it. */
function collectGarbage(): void {
  globalThis.gc?.();
}
