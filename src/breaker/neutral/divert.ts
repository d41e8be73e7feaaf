import type { Clock } from '../clock.ts';
import { WireRefusedError } from '../errors.ts';
import type { IsolatedObserver } from '../telemetry/isolated-observer.ts';
import { awaitWire } from './await-wire.ts';
import { isReceipt } from './receipt.ts';
import { isThenable } from './thenable.ts';
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

/** How a breaker asks its wires. */
export interface WireRules {
  readonly wireMode: 'first' | 'all';
  readonly wireTimeoutMs: number | null;
}

/**
 * Offers a call to the wires in the order attached. `first`: until one takes it. `all`: to every one, and the first
 * answer is the caller's. A wire that throws or does not answer in time is passed over and counted; one that declines is passed
 * over. A caller whose signal aborts meanwhile is let go, and no further wire is asked. A promise only where a wire
 * answered with one.
 */
export function divert(
  wires: readonly AttachedWire[],
  rules: WireRules,
  call: DivertedCall,
  clock: Clock,
  observer: IsolatedObserver,
): DivertResult | Promise<DivertResult> {
  return new Diversion(wires, rules, call, clock, observer).goOn(0);
}

/** The same for a caller that cannot wait: a wire that answers with a promise is passed over. */
export function divertSync(
  wires: readonly AttachedWire[],
  rules: WireRules,
  call: DivertedCall,
  clock: Clock,
  observer: IsolatedObserver,
): DivertResult {
  const atOnce = wires.map(({ wire, counters }) => ({ wire: answeringAtOnce(wire), counters }));
  return new Diversion(atOnce, rules, call, clock, observer).goOn(0) as DivertResult;
}

/** One diverted call on its way along the wires. */
class Diversion {
  readonly #wires: readonly AttachedWire[];
  readonly #rules: WireRules;
  readonly #call: DivertedCall;
  readonly #clock: Clock;
  readonly #observer: IsolatedObserver;
  readonly #causes: unknown[] = [];
  #answer: WireAnswer<unknown> | undefined;

  constructor(
    wires: readonly AttachedWire[],
    rules: WireRules,
    call: DivertedCall,
    clock: Clock,
    observer: IsolatedObserver,
  ) {
    this.#wires = wires;
    this.#rules = rules;
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
        if (isThenable(answer)) {
          return this.#later(attached, answer).then(
            (later) => this.#took(attached, startedAt, later) ?? this.goOn(next + 1),
            (error) => {
              this.#passOver(attached, startedAt, error);
              return this.#call.signal?.aborted || this.#isFinal(error) ? this.#end() : this.goOn(next + 1);
            },
          );
        }
        const result = this.#took(attached, startedAt, answer);
        if (result) return result;
      } catch (error) {
        this.#passOver(attached, startedAt, error);
        if (this.#isFinal(error)) break;
      }
    }
    return this.#end();
  }

  /** Whether the wire that refused so is the last one to be asked. */
  #isFinal(error: unknown): boolean {
    return this.#rules.wireMode === 'first' && error instanceof WireRefusedError && error.isFinal;
  }

  #end(): DivertResult {
    return this.#answer ? { taken: true, value: this.#answer.value } : { taken: false, causes: this.#causes };
  }

  #later({ wire, counters }: AttachedWire, answer: PromiseLike<WireAnswer<unknown>>): Promise<WireAnswer<unknown>> {
    const timeoutMs = timeoutOf(wire, this.#rules);
    const limits = { wire: wire.name, clock: this.#clock, timeoutMs, signal: this.#call.signal };
    return awaitWire(answer, limits, (late) => {
      // Nobody waits for an answer any more, but a call that is held will be replayed: what came in and what goes out add up.
      if (isAnswer(late) && late.outcome === 'buffered' && !late.isCounted) counters.countCall(late.outcome);
    });
  }

  /** The result, where no further wire is to be asked. */
  #took(attached: AttachedWire, startedAt: number, answer: WireAnswer<unknown>): DivertResult | undefined {
    const { wire, counters } = attached;
    if (!isAnswer(answer)) return this.#passOver(attached, startedAt, new TypeError(`"${wire.name}" ${NO_ANSWER}`));
    if (!answer.isCounted) counters.countCall(answer.outcome);
    // One that another breaker's buffer answered with is replayed there.
    const receipt = answer.outcome === 'buffered' && isReceipt(answer.value) ? answer.value.id : undefined;
    this.#observer.diverted({ wire: wire.name, outcome: answer.outcome, startedAt, error: undefined, receipt });
    this.#answer ??= answer;
    return this.#rules.wireMode === 'first' ? { taken: true, value: answer.value } : undefined;
  }

  #passOver({ wire, counters }: AttachedWire, startedAt: number, error: unknown): undefined {
    this.#causes.push(error);
    if (error instanceof WireRefusedError && error.declined) return;
    // Its caller has left, which is no fault of the wire.
    if (this.#call.signal?.aborted && error === this.#call.signal.reason) return;
    counters.countCall('failed');
    this.#observer.diverted({ wire: wire.name, outcome: 'failed', startedAt, error, receipt: undefined });
  }
}

const NO_ANSWER = 'answered with no { outcome, value }, whose outcome is served or buffered';

function isAnswer(answer: WireAnswer<unknown>): boolean {
  const outcome = answer?.outcome;
  return outcome === 'served' || outcome === 'buffered';
}

/** A call that such a wire was thought not to hold, and holds, would be both answered and replayed. */
function timeoutOf({ timeoutMs, load }: NeutralWire, { wireTimeoutMs }: WireRules): number | null {
  if (timeoutMs !== undefined) return timeoutMs;
  return load ? null : wireTimeoutMs;
}

function answeringAtOnce(wire: NeutralWire): NeutralWire {
  return {
    name: wire.name,
    kind: wire.kind,
    take(call) {
      const answer = wire.takeSync ? wire.takeSync(call) : wire.take(call);
      if (!isThenable(answer)) return answer;
      // Nobody waits for it, so nobody else would hear that it failed.
      Promise.resolve(answer).catch(() => undefined);
      throw new WireRefusedError(wire.name, 'it answers later, and the caller cannot wait', true);
    },
  };
}
