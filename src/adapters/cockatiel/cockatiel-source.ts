import type { BreakerReport, ForeignBreaker } from '@switchgear/breaker';
import type { BreakerState, SettingsPatch } from '@switchgear/conventions';
import { replaceMethod } from '../outgoing/replace-method.ts';
import type { CockatielBreaker, CockatielInside } from './cockatiel-breaker.ts';
import { settingsOf } from './cockatiel-settings.ts';
import { ToldFailures } from './told-failures.ts';

/** By cockatiel's `CircuitState`. */
const STATES: readonly BreakerState[] = ['closed', 'open', 'half_open', 'forced_open'];

interface CountedFunction {
  (context: unknown): unknown;
  isCounted?: true;
}

/** A circuit breaker policy of cockatiel, as `reportBreaker` takes it: it can be isolated, and neither tripped nor reset. */
export class CockatielSource implements ForeignBreaker {
  readonly settings: SettingsPatch;
  readonly holds = {
    forced_open: () => {
      const handle = this.#policy.isolate();
      return () => handle.dispose();
    },
  } as const;
  readonly #policy: CockatielBreaker & CockatielInside;
  #activeCalls = 0;

  constructor(policy: CockatielBreaker) {
    this.#policy = policy as CockatielBreaker & CockatielInside;
    this.settings = settingsOf(this.#policy);
  }

  state(): BreakerState {
    return STATES[this.#policy.state] as BreakerState;
  }

  activeCalls(): number {
    return this.#activeCalls;
  }

  attach(report: BreakerReport): () => void {
    const policy = this.#policy;
    const failures = new ToldFailures(report);
    let before = this.state();
    const ended = () => {
      // One that began before the bridge ends without having been counted.
      if (this.#activeCalls > 0) this.#activeCalls -= 1;
    };
    const listening = [
      policy.onSuccess(({ duration }) => {
        ended();
        report.succeeded(duration);
      }),
      policy.onFailure((failure) => {
        ended();
        if (failure.handled) failures.add(failure);
        else report.ignored();
      }),
      policy.onBreak((reason) => failures.settle(reason)),
      policy.onStateChange(() => {
        const isRule = before === 'closed' && this.state() === 'open' && this.settings.trip?.consecutive !== undefined;
        before = this.state();
        report.state(before, isRule ? 'consecutive' : undefined);
      }),
    ];
    const stop = this.#watchCalls(report);
    return () => {
      failures.settle(undefined);
      for (const listener of listening) listener.dispose();
      stop();
    };
  }

  /** A call that waited for the end of a probe comes to `execute` again. */
  #counted(fn: CountedFunction): CountedFunction {
    if ((fn as CountedFunction | undefined)?.isCounted) return fn;
    const counted: CountedFunction = (context) => {
      this.#activeCalls += 1;
      return fn(context);
    };
    counted.isCounted = true;
    return counted;
  }

  /** There are no events for calls that begin, nor for those that are not let through: `execute` is looked over the shoulder. */
  #watchCalls(report: BreakerReport): () => void {
    const policy = this.#policy;
    return replaceMethod<CockatielInside['execute']>(policy, 'execute', (execute) => (fn, ...rest) => {
      const before = policy.state;
      const answer = execute.call(policy, this.#counted(fn), ...rest);
      // It lets a call through by leaving the open state, before the call is made.
      if ((before === 1 || before === 3) && policy.state === before) report.rejected();
      return answer;
    });
  }
}
