import type { Clock } from '../clock.ts';
import { WireRefusedError } from '../errors.ts';
import type { IsolatedObserver } from '../telemetry/isolated-observer.ts';
import { isReceipt } from './receipt.ts';
import type { DivertedCall, NeutralWire, WireAnswer } from './wire.ts';
import type { WireCounters } from './wire-counters.ts';

/** A wire on its breaker, with its numbers. */
export interface AttachedWire {
  readonly wire: NeutralWire;
  readonly counters: WireCounters;
}

export type DivertResult =
  | { readonly taken: true; readonly value: unknown }
  /** Why each wire that was asked did not take the call. */
  | { readonly taken: false; readonly causes: readonly unknown[] };

/**
 * Offers a call to the wires in the order attached. `first`: until one takes it. `all`: to every one, and the first
 * answer is the caller's. A wire that throws is passed over and counted; one that refuses is passed over. A promise only
 * where a wire answered with one.
 */
export function divert(
  wires: readonly AttachedWire[],
  mode: 'first' | 'all',
  call: DivertedCall,
  clock: Clock,
  observer: IsolatedObserver,
): DivertResult | Promise<DivertResult> {
  return new Diversion(wires, mode, call, clock, observer).goOn(0);
}

/** The same for a caller that cannot wait: a wire that answers with a promise is passed over. */
export function divertSync(
  wires: readonly AttachedWire[],
  mode: 'first' | 'all',
  call: DivertedCall,
  clock: Clock,
  observer: IsolatedObserver,
): DivertResult {
  const atOnce = wires.map(({ wire, counters }) => ({ wire: answeringAtOnce(wire), counters }));
  return new Diversion(atOnce, mode, call, clock, observer).goOn(0) as DivertResult;
}

/** One diverted call on its way along the wires. */
class Diversion {
  readonly #wires: readonly AttachedWire[];
  readonly #mode: 'first' | 'all';
  readonly #call: DivertedCall;
  readonly #clock: Clock;
  readonly #observer: IsolatedObserver;
  readonly #causes: unknown[] = [];
  #answer: WireAnswer<unknown> | undefined;

  constructor(
    wires: readonly AttachedWire[],
    mode: 'first' | 'all',
    call: DivertedCall,
    clock: Clock,
    observer: IsolatedObserver,
  ) {
    this.#wires = wires;
    this.#mode = mode;
    this.#call = call;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** Asks the wires from the one at `index` on. */
  goOn(index: number): DivertResult | Promise<DivertResult> {
    for (let next = index; next < this.#wires.length; next++) {
      const attached = this.#wires[next]!;
      // The clock was read for the first one as the call was diverted.
      const startedAt = next === 0 ? this.#call.divertedAt : this.#clock.monotonicMs();
      try {
        const answer = attached.wire.take(this.#call);
        if (answer instanceof Promise) {
          return answer.then(
            (later) => this.#took(attached, startedAt, later) ?? this.goOn(next + 1),
            (error) => this.#passOver(attached, startedAt, error) ?? this.goOn(next + 1),
          );
        }
        const result = this.#took(attached, startedAt, answer);
        if (result) return result;
      } catch (error) {
        this.#passOver(attached, startedAt, error);
      }
    }
    return this.#answer ? { taken: true, value: this.#answer.value } : { taken: false, causes: this.#causes };
  }

  /** The result, where no further wire is to be asked. */
  #took({ wire, counters }: AttachedWire, startedAt: number, answer: WireAnswer<unknown>): DivertResult | undefined {
    counters.countCall(answer.outcome);
    const receipt = isReceipt(answer.value) ? answer.value.id : undefined;
    this.#observer.diverted({ wire: wire.name, outcome: answer.outcome, startedAt, error: undefined, receipt });
    this.#answer ??= answer;
    return this.#mode === 'first' ? { taken: true, value: answer.value } : undefined;
  }

  #passOver({ wire, counters }: AttachedWire, startedAt: number, error: unknown): undefined {
    this.#causes.push(error);
    if (error instanceof WireRefusedError && error.declined) return;
    counters.countCall('failed');
    this.#observer.diverted({ wire: wire.name, outcome: 'failed', startedAt, error, receipt: undefined });
  }
}

function answeringAtOnce(wire: NeutralWire): NeutralWire {
  return {
    name: wire.name,
    kind: wire.kind,
    take(call) {
      const answer = wire.take(call);
      if (!(answer instanceof Promise)) return answer;
      // Nobody waits for it, so nobody else would hear that it failed.
      answer.catch(() => undefined);
      throw new WireRefusedError(wire.name, 'it answers later, and the caller cannot wait', true);
    },
  };
}
