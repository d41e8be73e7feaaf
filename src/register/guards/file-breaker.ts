import { judgeOutcomes, type OutcomeJudge } from '@switchgear/adapters/outcomes';
import { type Breaker, createBreaker } from '@switchgear/breaker';
import {
  type BreakerConfig,
  type FileMode,
  type GuardConfig,
  guardSettings,
  type OutcomesConfig,
} from '@switchgear/service-config';
import { createWire } from './create-wire.ts';

/** What the file says of all breakers. */
export interface FileDefaults {
  readonly mode: FileMode;
  readonly callSpans: NonNullable<GuardConfig['callSpans']>;
}

/**
 * A breaker that stands in the file. What the file says of it may change while it runs: state, counts and what the window holds
 * stay. Only its wires, and which calls have spans, are as they were when it was made.
 */
export class FileBreaker {
  readonly breaker: Breaker;
  #judge: OutcomeJudge;
  readonly #madeWith: string;
  #isRetired = false;

  /** @throws InvalidInputError where the breaker cannot be made so */
  constructor(name: string, config: BreakerConfig, defaults: FileDefaults) {
    this.#judge = judgeOf(config);
    this.#madeWith = unchangeable(config, defaults);
    const { wires = [], wireMode, wireTimeoutMs, callSpans = defaults.callSpans } = config;
    const breaker = createBreaker(name, {
      ...guardSettings(config),
      mode: config.mode ?? defaults.mode,
      callSpans,
      neutralWires: wires.map(createWire),
      ...(wireMode !== undefined && { wireMode }),
      ...(wireTimeoutMs !== undefined && { wireTimeoutMs }),
      isFailure: (error) => this.#judge.isFailure(error),
      isFailureResult: (result) => this.#judge.isFailureResult(result),
      isSlow: (ended) => this.#judge.isSlow(ended),
    });
    this.breaker = breaker as unknown as Breaker;
  }

  /**
   * Takes what the file says now. Returns whether all of it is in force; what is not is so after the next start.
   * @throws InvalidInputError where it breaks a rule; nothing changes then
   */
  apply(config: BreakerConfig, defaults: FileDefaults): boolean {
    const judge = judgeOf(config);
    this.breaker.redefine({ ...guardSettings(config), mode: config.mode ?? defaults.mode });
    this.#judge = judge;
    this.#isRetired = false;
    return unchangeable(config, defaults) === this.#madeWith;
  }

  /** Nothing in the file leads to it any more: it lets all through, and its counts stand. Returns false where it was so already. */
  retire(): boolean {
    if (this.#isRetired) return false;
    this.#isRetired = true;
    this.breaker.redefine({ mode: 'disabled' });
    return true;
  }
}

function judgeOf({ failures, ignored, slow }: OutcomesConfig): OutcomeJudge {
  return judgeOutcomes({ ...(failures && { failures }), ...(ignored && { ignored }), ...(slow && { slow }) });
}

function unchangeable(config: BreakerConfig, defaults: FileDefaults): string {
  const { wires, wireMode, wireTimeoutMs, callSpans = defaults.callSpans } = config;
  return JSON.stringify([wires, wireMode, wireTimeoutMs, callSpans]);
}
