import { type BreakerSettings, type BreakerState, InvalidInputError, text } from '@switchgear/conventions';
import type { CallContext } from './calls/call-context.ts';
import type { CallFacts, CallFailure, CallPath, ExecuteOptions } from './calls/call-path.ts';
import type { Operation, Operations } from './calls/operations.ts';
import { type CallPermit, Permits } from './calls/permits.ts';
import type { BreakerCore } from './core.ts';
import { BreakerClosedDownError } from './errors.ts';
import type { AnswerOf } from './neutral/answer-of.ts';
import type { Receipt } from './neutral/receipt.ts';
import type { NeutralWire, Replay } from './neutral/wire.ts';
import type { Publisher, Transition, TurnedAwayCall } from './publisher.ts';
import { type BreakerStats, readStats } from './stats.ts';
import type { BreakerReadings } from './telemetry/observer.ts';

export interface OperatorNote {
  /** Why, for the telemetry. */
  readonly reason?: string;
}

export interface ProtectOptions {
  /**
   * The name under which a buffer keeps calls of the function, 1 to 120 characters; default: the function's own name, or
   * `call`. A durable spool finds the function by it after a restart, so it must stay the same and be the function's alone.
   */
  readonly name?: string;
}

/** What a breaker is made of. */
export interface BreakerParts {
  readonly core: BreakerCore;
  readonly path: CallPath;
  readonly publisher: Publisher;
  readonly readings: BreakerReadings;
  /** The functions that a wire may replay. */
  readonly operations: Operations | undefined;
}

const checkOperationName = text(1, 120);

/** What a breaker offers in each thread that has it: calls, state and events. */
export abstract class BreakerFace<Wires extends readonly NeutralWire[] = readonly NeutralWire[]> {
  readonly name: string;
  protected readonly parts: BreakerParts;
  protected isShutDown = false;
  #permits: Permits | undefined = undefined;

  protected constructor(parts: BreakerParts) {
    this.name = parts.readings.name;
    this.parts = parts;
  }

  get state(): BreakerState {
    this.refresh();
    return this.parts.core.state;
  }

  /** Rises at every transition. */
  get generation(): number {
    return this.parts.core.generation;
  }

  get settings(): BreakerSettings {
    return this.parts.core.settings;
  }

  stats(): BreakerStats {
    return readStats(this.parts.readings);
  }

  /**
   * Runs `run` under the breaker. It cannot be replayed: fallback wires may answer for it, a buffer takes only calls of
   * `protect`.
   * @throws what `run` throws; CallTimeoutError; BreakerOpenError where it was not let through and no wire took it;
   *   BreakerLimitError where the concurrency limit was full and no wire took it; the reason of `signal` where that was aborted
   */
  execute<T>(
    run: (context: CallContext) => T | PromiseLike<T>,
    options?: ExecuteOptions,
  ): Promise<T | Exclude<AnswerOf<Wires, T>, Receipt>> {
    return this.#enter(run, options, undefined) as Promise<T | Exclude<AnswerOf<Wires, T>, Receipt>>;
  }

  /**
   * The same for a function that returns its result and no promise. `timeoutMs` cannot end it, and only wires that answer
   * at once are asked.
   * @throws as `execute`
   */
  executeSync<T>(
    run: (context: CallContext) => T,
    options?: Omit<ExecuteOptions, 'signal'>,
  ): T | Exclude<AnswerOf<Wires, T>, Receipt> {
    if (this.isShutDown) throw new BreakerClosedDownError(this.name);
    this.refresh();
    return this.parts.path.callSync(run, options) as T | Exclude<AnswerOf<Wires, T>, Receipt>;
  }

  /**
   * Wraps a function of one input. Its calls can be replayed, so a buffer wire can hold them; in memory it keeps `input` by
   * reference until then, a durable spool keeps it as JSON.
   * @throws InvalidInputError for a name out of its range
   */
  protect<Input, T>(
    fn: (input: Input, context: CallContext) => T | PromiseLike<T>,
    { name }: ProtectOptions = {},
  ): (input: Input, options?: Omit<ExecuteOptions, 'input'>) => Promise<T | AnswerOf<Wires, T>> {
    const problems = name === undefined ? [] : checkOperationName(name, 'name');
    if (problems.length > 0) throw new InvalidInputError(problems);
    const operation: Operation = {
      name: name ?? (fn.name.slice(0, 120) || 'call'),
      run: fn as (input: unknown, context: CallContext) => unknown,
    };
    this.parts.operations?.add(operation);
    return (input, options) => {
      const replay: Replay = (context) => fn(input, context);
      return this.#enter(replay, { ...options, input, fn, operation }, replay) as Promise<T | AnswerOf<Wires, T>>;
    };
  }

  /**
   * Asks for the right to make one call by hand; undefined where the breaker does not let it through. In half-open it is
   * a probe with a deadline like any other.
   */
  acquire(): CallPermit | undefined {
    if (this.isShutDown) return undefined;
    this.refresh();
    return this.#byHand().acquire();
  }

  /**
   * Whether a call may be made now. Tell what became of it by `recordSuccess` or `recordError`, in the order of the calls; at
   * most 1,024 are waited for, after a transition for `probeTimeoutMs`. Where calls overlap and their order matters, use `acquire`.
   */
  allow(): boolean {
    if (this.isShutDown) return false;
    this.refresh();
    return this.#byHand().allow();
  }

  /** The oldest call of `allow` went well. */
  recordSuccess(): void {
    this.refresh();
    this.#byHand().recordSuccess();
  }

  /** The oldest call of `allow` failed. An error that nobody asked a permit for is judged while the breaker is closed. */
  recordError(error?: unknown): void {
    this.refresh();
    this.#byHand().recordError(error);
  }

  /** Opens the breaker for one cooldown. Does nothing, and returns false, unless it is closed or half-open. */
  trip({ reason }: OperatorNote = {}): boolean {
    this.refresh();
    return this.parts.core.trip('operator', reason);
  }

  /** Closes the breaker and forgets its failures. Does nothing, and returns false, unless it is open or half-open. */
  reset({ reason }: OperatorNote = {}): boolean {
    this.refresh();
    return this.parts.core.reset('operator', reason);
  }

  /** Calls `listener` after each transition, outside the context of the call that caused it. Returns what takes it off. */
  onTransition(listener: (transition: Transition) => void): () => void {
    return this.parts.publisher.onTransition(listener);
  }

  /** After each transition to open, whatever its reason. Returns what takes it off. */
  onTrip(listener: (transition: Transition) => void): () => void {
    return this.onTransition((transition) => {
      if (transition.to === 'open') listener(transition);
    });
  }

  /** After each transition to closed, whatever its reason. Returns what takes it off. */
  notifyOnReset(listener: (transition: Transition) => void): () => void {
    return this.onTransition((transition) => {
      if (transition.to === 'closed') listener(transition);
    });
  }

  /** After each call of this thread that failed or timed out, in that call's context. Returns what takes it off. */
  onFailure(listener: (failure: CallFailure) => void): () => void {
    return this.parts.publisher.onFailure(listener);
  }

  /** After each call of this thread that was not let through, in that call's context. Returns what takes it off. */
  onTurnedAway(listener: (call: TurnedAwayCall) => void): () => void {
    return this.parts.publisher.onTurnedAway(listener);
  }

  /** Brings it up to date before it is asked something: settings from another thread, an override that has run out. */
  protected abstract refresh(): void;

  #byHand(): Permits {
    this.#permits ??= new Permits(this.parts.core, this.parts.path);
    return this.#permits;
  }

  #enter(
    run: (context: CallContext) => unknown,
    options: CallFacts | undefined,
    replay: Replay | undefined,
  ): Promise<unknown> {
    if (this.isShutDown) return Promise.reject(new BreakerClosedDownError(this.name));
    this.refresh();
    return this.parts.path.call(run, options, replay);
  }
}
