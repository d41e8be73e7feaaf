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
 * answer is the caller's. A wire that throws is passed over and counted; one that refuses is passed over.
 */
export async function divert(
  wires: readonly AttachedWire[],
  mode: 'first' | 'all',
  call: DivertedCall,
  clock: Clock,
  observer: IsolatedObserver,
): Promise<DivertResult> {
  const diversion = new Diversion(clock, observer);
  for (const attached of wires) {
    const startedAt = clock.monotonicMs();
    try {
      const answer = attached.wire.take(call);
      diversion.took(attached, startedAt, answer instanceof Promise ? await answer : answer);
      if (mode === 'first') break;
    } catch (error) {
      diversion.passedOver(attached, startedAt, error);
    }
  }
  return diversion.result();
}

/** The same for a caller that cannot wait: a wire that answers with a promise is passed over. */
export function divertSync(
  wires: readonly AttachedWire[],
  mode: 'first' | 'all',
  call: DivertedCall,
  clock: Clock,
  observer: IsolatedObserver,
): DivertResult {
  const diversion = new Diversion(clock, observer);
  for (const attached of wires) {
    const startedAt = clock.monotonicMs();
    try {
      const answer = attached.wire.take(call);
      if (answer instanceof Promise) {
        answer.catch(() => undefined);
        throw new WireRefusedError(attached.wire.name, 'it answers later, and the caller cannot wait', true);
      }
      diversion.took(attached, startedAt, answer);
      if (mode === 'first') break;
    } catch (error) {
      diversion.passedOver(attached, startedAt, error);
    }
  }
  return diversion.result();
}

/** What becomes of one diverted call on its way along the wires. */
class Diversion {
  readonly #clock: Clock;
  readonly #observer: IsolatedObserver;
  readonly #causes: unknown[] = [];
  #answer: WireAnswer<unknown> | undefined;

  constructor(clock: Clock, observer: IsolatedObserver) {
    this.#clock = clock;
    this.#observer = observer;
  }

  took({ wire, counters }: AttachedWire, startedAt: number, answer: WireAnswer<unknown>): void {
    counters.countCall(answer.outcome);
    const receipt = isReceipt(answer.value) ? answer.value.id : undefined;
    const durationMs = this.#clock.monotonicMs() - startedAt;
    this.#observer.diverted({ wire: wire.name, outcome: answer.outcome, durationMs, error: undefined, receipt });
    this.#answer ??= answer;
  }

  passedOver({ wire, counters }: AttachedWire, startedAt: number, error: unknown): void {
    this.#causes.push(error);
    if (error instanceof WireRefusedError && error.declined) return;
    counters.countCall('failed');
    const durationMs = this.#clock.monotonicMs() - startedAt;
    this.#observer.diverted({ wire: wire.name, outcome: 'failed', durationMs, error, receipt: undefined });
  }

  result(): DivertResult {
    return this.#answer ? { taken: true, value: this.#answer.value } : { taken: false, causes: this.#causes };
  }
}
