import { CoreReadings } from '../readings.ts';
import type { CallSpans, WireReadings } from '../telemetry/observer.ts';
import type { ForeignCore } from './foreign-core.ts';

/** The numbers of a breaker that another library decides for; how many calls are in flight, that library knows. */
export class ForeignReadings extends CoreReadings {
  readonly #active: () => number;

  constructor(
    name: string,
    callSpans: CallSpans,
    wires: readonly WireReadings[],
    core: ForeignCore,
    active: () => number,
  ) {
    super(name, callSpans, wires, core);
    this.#active = active;
  }

  override activeCalls(): number {
    const calls = this.#active();
    return calls > 0 && Number.isFinite(calls) ? Math.floor(calls) : 0;
  }
}
