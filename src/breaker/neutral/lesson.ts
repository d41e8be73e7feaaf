import type { Clock } from '../clock.ts';
import { diagError } from '../telemetry/isolated-observer.ts';
import type { GoodCall, NeutralWire } from './wire.ts';

/** Tells the wires that learn from good calls what went well. */
export class Lesson {
  readonly #breaker: string;
  readonly #clock: Clock;
  readonly #wires: readonly NeutralWire[];

  private constructor(breaker: string, clock: Clock, wires: readonly NeutralWire[]) {
    this.#breaker = breaker;
    this.#clock = clock;
    this.#wires = wires;
  }

  /** Undefined where no wire learns: such a breaker pays one look for each good call. */
  static of(
    breaker: string,
    { clock }: { readonly clock: Clock },
    attached: readonly { readonly wire: NeutralWire }[],
  ): Lesson | undefined {
    const wires = attached.map(({ wire }) => wire).filter(({ learn }) => learn !== undefined);
    return wires.length > 0 ? new Lesson(breaker, clock, wires) : undefined;
  }

  teach(told: Partial<Pick<GoodCall, 'input' | 'key' | 'fn'>> | undefined, result: unknown): void {
    const call: GoodCall = {
      input: told?.input,
      key: told?.key,
      fn: told?.fn,
      endedAt: this.#clock.monotonicMs(),
      endedAtWallMs: this.#clock.wallMs(),
    };
    for (const wire of this.#wires) {
      try {
        wire.learn?.(call, result);
      } catch (error) {
        diagError(`Wire "${wire.name}" of breaker "${this.#breaker}" threw at a good call`, error);
      }
    }
  }
}
