import type { BreakerReport, ForeignBreaker } from '../../../src/breaker/index.ts';

type State = ReturnType<ForeignBreaker['state']>;

/** A breaker of somebody's own: it is in the state that the test puts it in, and can do all that a bridge may offer. */
export class HandSwitch implements ForeignBreaker {
  now: State = 'closed';
  active = 0;
  report: BreakerReport | undefined;
  /** What it was asked to do, in order. */
  readonly asked: string[] = [];
  readonly settings = { trip: { failureRatio: 0.4, slowMs: 100, windowMs: 5_000 }, cooldownMs: 2_000 };
  readonly wires = [{ name: 'standby', kind: 'fallback' }];
  readonly holds = {
    forced_open: () => this.#hold('forced_open', 'open'),
    disabled: () => this.#hold('disabled', 'closed'),
  };

  state(): State {
    return this.now;
  }

  activeCalls(): number {
    return this.active;
  }

  attach(report: BreakerReport): () => void {
    this.report = report;
    return () => {
      this.asked.push('detach');
    };
  }

  trip(): void {
    this.asked.push('trip');
    this.enter('open');
  }

  reset(): void {
    this.asked.push('reset');
    this.enter('closed');
  }

  /** Changes its state and tells so. */
  enter(to: State): void {
    this.now = to;
    this.report?.state(to);
  }

  #hold(mode: State, after: State): () => void {
    this.asked.push(`hold ${mode}`);
    this.enter(mode);
    return () => {
      this.asked.push(`let go of ${mode}`);
      this.enter(after);
    };
  }
}
