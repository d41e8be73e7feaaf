import type { Clock } from '../clock.ts';
import { WireRefusedError } from '../errors.ts';
import type { WireCall } from '../telemetry/observer.ts';
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
  observe: (call: WireCall) => void,
): Promise<DivertResult> {
  const causes: unknown[] = [];
  let answer: WireAnswer<unknown> | undefined;
  for (const { wire, counters } of wires) {
    const startedAt = clock.wallMs();
    try {
      const taken = await wire.take(call);
      counters.countCall(taken.outcome);
      const receipt = isReceipt(taken.value) ? taken.value.id : undefined;
      observe({
        wire: wire.name,
        outcome: taken.outcome,
        startedAt,
        endedAt: clock.wallMs(),
        error: undefined,
        receipt,
      });
      answer ??= taken;
      if (mode === 'first') break;
    } catch (error) {
      causes.push(error);
      if (error instanceof WireRefusedError && error.declined) continue;
      counters.countCall('failed');
      observe({ wire: wire.name, outcome: 'failed', startedAt, endedAt: clock.wallMs(), error, receipt: undefined });
    }
  }
  return answer ? { taken: true, value: answer.value } : { taken: false, causes };
}
