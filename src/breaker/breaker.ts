import type { BreakerSettings, BreakerState, Override, SettingsPatch, TransitionReason } from '@switchgear/conventions';
import { CallPath, type ExecuteOptions } from './call-path.ts';
import { BreakerCore } from './core.ts';
import { BreakerClosedDownError } from './errors.ts';
import type { CallContext } from './guarded-call.ts';
import { attachWires } from './neutral/attach.ts';
import type { AttachedWire } from './neutral/divert.ts';
import type { Receipt } from './neutral/receipt.ts';
import type { NeutralWire, Replay } from './neutral/wire.ts';
import { type BreakerOptions, type ValidOptions, validateOptions } from './options.ts';
import { outside } from './outside.ts';
import { OverrideHold, type OverrideSource } from './override-hold.ts';
import { type BreakerStats, readStats } from './stats.ts';
import { observerFor } from './telemetry/choose.ts';
import { diagError, IsolatedObserver } from './telemetry/isolated-observer.ts';
import type { BreakerReadings, TransitionRecord } from './telemetry/observer.ts';

/** What wires may answer instead of the protected function. */
export type AnswerOf<Wires> = Wires extends readonly []
  ? never
  : Wires extends readonly NeutralWire<infer Answer>[]
    ? Answer
    : never;

export interface OperatorNote {
  /** Why, for the telemetry. */
  readonly reason?: string;
}

export interface Transition {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: TransitionReason;
  /** What the operator said. */
  readonly note: string | undefined;
}

/** Guards one dependency. Made by `createBreaker`. */
export class Breaker<Wires extends readonly NeutralWire[] = readonly NeutralWire[]> {
  readonly name: string;
  readonly #options: ValidOptions;
  readonly #core: BreakerCore;
  readonly #wires: readonly AttachedWire[];
  readonly #path: CallPath;
  readonly #observer: IsolatedObserver;
  readonly #readings: BreakerReadings;
  readonly #hold: OverrideHold;
  readonly #transitionListeners = new Set<(transition: Transition) => void>();
  readonly #resetListeners = new Set<() => void>();
  readonly #onClosed: () => void;
  #shutDown = false;

  /** @param onClosed called once, when the breaker is closed down */
  constructor(name: string, options: BreakerOptions<Wires>, onClosed: () => void) {
    const valid = validateOptions(name, options);
    this.name = name;
    this.#options = valid;
    this.#core = new BreakerCore(valid.settings, valid.clock, {
      transitioned: (record) => this.#publish(record),
      shadowTripped: (record) => outside(() => this.#observer.transitioned(record)),
    });
    this.#hold = new OverrideHold(valid.clock, (source) => this.#core.setMode('auto', source, 'the override expired'));
    const attached = attachWires(valid, {
      observer: () => this.#observer,
      replay: (replay, attempt) => {
        this.#hold.expireIfDue();
        return this.#path.replay(replay, attempt);
      },
      retryAfterMs: () => this.#core.retryAfterMs(),
      state: () => this.state,
      onReset: (listener) => this.#resetListeners.add(listener),
    });
    this.#wires = attached.wires;
    const core = this.#core;
    this.#readings = {
      name,
      get state() {
        return core.state;
      },
      get settings() {
        return core.settings;
      },
      callSpans: valid.callSpans,
      wires: attached.readings,
      calls: (outcome) => core.calls(outcome),
      wallMs: () => valid.clock.wallMs(),
      slowCalls: () => core.slowCalls(),
      activeCalls: () => core.activeCalls(),
      transitions: (state, reason) => core.transitions(state, reason),
      window: () => core.window(),
    };
    this.#observer = new IsolatedObserver(observerFor(options.telemetry ?? 'otel'), this.#readings);
    this.#path = new CallPath(valid, core, this.#wires, this.#observer);
    this.#onClosed = onClosed;
    this.#observer.added();
  }

  get state(): BreakerState {
    this.#hold.expireIfDue();
    return this.#core.state;
  }

  /** Rises at every transition. */
  get generation(): number {
    return this.#core.generation;
  }

  get settings(): BreakerSettings {
    return this.#core.settings;
  }

  get override(): Override | undefined {
    this.#hold.expireIfDue();
    return this.#hold.current;
  }

  /** Who set the override; undefined where there is none. */
  get overrideSource(): OverrideSource | undefined {
    this.#hold.expireIfDue();
    return this.#hold.source;
  }

  /** Wall time by the breaker's clock, ms since the epoch. */
  wallMs(): number {
    return this.#options.clock.wallMs();
  }

  get neutralWires(): Wires {
    return this.#options.wires as unknown as Wires;
  }

  stats(): BreakerStats {
    return readStats(this.#readings);
  }

  /**
   * Runs `run` under the breaker. It cannot be replayed: fallback wires may answer for it, a buffer takes only calls of
   * `protect`.
   * @throws what `run` throws; CallTimeoutError; BreakerOpenError where it was not let through and no wire took it; the
   *   reason of `signal` where that was aborted
   */
  execute<T>(
    run: (context: CallContext) => T | PromiseLike<T>,
    options: ExecuteOptions = {},
  ): Promise<T | Exclude<AnswerOf<Wires>, Receipt>> {
    return this.#enter(run, options, undefined) as Promise<T | Exclude<AnswerOf<Wires>, Receipt>>;
  }

  /**
   * Wraps a function of one input. Its calls can be replayed, so a buffer wire can hold them; it keeps `input` by
   * reference until then.
   */
  protect<Input, T>(
    fn: (input: Input, context: CallContext) => T | PromiseLike<T>,
  ): (input: Input, options?: Omit<ExecuteOptions, 'input'>) => Promise<T | AnswerOf<Wires>> {
    return (input, options = {}) => {
      const replay: Replay = (context) => fn(input, context);
      return this.#enter(replay, { ...options, input }, replay) as Promise<T | AnswerOf<Wires>>;
    };
  }

  /** Opens the breaker for one cooldown. Does nothing, and returns false, unless it is closed or half-open. */
  trip({ reason }: OperatorNote = {}): boolean {
    this.#hold.expireIfDue();
    return this.#core.trip('operator', reason);
  }

  /** Closes the breaker and forgets its failures. Does nothing, and returns false, unless it is open or half-open. */
  reset({ reason }: OperatorNote = {}): boolean {
    this.#hold.expireIfDue();
    return this.#core.reset('operator', reason);
  }

  /**
   * Holds the breaker in a mode until `expiresAt`: forced open, disabled (lets all through) or shadow (counts, rejects
   * nothing). Released from forced open, it sends probes before it closes.
   * @throws InvalidInputError where the override breaks a rule or has run out already; nothing changes then
   */
  holdIn(override: Override, source: { readonly reason?: OverrideSource; readonly revision?: number } = {}): void {
    const reason = source.reason ?? 'operator';
    this.#hold.set(override, reason);
    this.#core.setMode(override.mode, reason, override.reason);
    this.#observer.overridden({ ...override, revision: source.revision });
  }

  /** Ends an override. Returns false where there is none. */
  release(reason: OverrideSource = 'operator'): boolean {
    if (!this.#hold.clear()) return false;
    return this.#core.setMode('auto', reason);
  }

  /** Acts on a desired state: the same as `trip` and `reset`, told apart in the telemetry. */
  act(kind: 'trip' | 'reset', note: string): boolean {
    return kind === 'trip' ? this.#core.trip('desired_state', note) : this.#core.reset('desired_state', note);
  }

  /**
   * Lays new settings over its own, or takes them off with `undefined`. State and counts stay; a window of another
   * length starts empty.
   * @throws InvalidInputError where what results could never trip
   */
  configure(patch: SettingsPatch | undefined): void {
    this.#core.configure(patch);
  }

  /** Calls `listener` after each transition, outside the context of the call that caused it. Returns what takes it off. */
  onTransition(listener: (transition: Transition) => void): () => void {
    this.#transitionListeners.add(listener);
    return () => this.#transitionListeners.delete(listener);
  }

  /**
   * Takes no more calls, gives each wire `drainForMs` (default 0) to replay what it holds, and ends the breaker's series.
   * What a memory buffer still holds then is dropped, counted with reason `shutdown`.
   */
  async close({ drainForMs = 0 }: { readonly drainForMs?: number } = {}): Promise<void> {
    if (this.#shutDown) return;
    this.#shutDown = true;
    const ends = await Promise.allSettled(this.#wires.map(async ({ wire }) => wire.close?.({ drainForMs })));
    for (const end of ends) {
      if (end.status === 'rejected') diagError(`A wire of breaker "${this.name}" threw at its close`, end.reason);
    }
    this.#hold.clear();
    this.#onClosed();
    this.#observer.removed();
  }

  #enter(
    run: (context: CallContext) => unknown,
    options: ExecuteOptions,
    replay: Replay | undefined,
  ): Promise<unknown> {
    if (this.#shutDown) return Promise.reject(new BreakerClosedDownError(this.name));
    this.#hold.expireIfDue();
    return this.#path.call(run, options, replay);
  }

  #publish(record: TransitionRecord): void {
    // The tripping request's async context must not leak into spans, listeners or a drain that outlive it.
    outside(() => {
      this.#observer.transitioned(record);
      const { from, to, reason, note } = record;
      for (const listener of this.#transitionListeners) this.#tell(() => listener({ from, to, reason, note }));
      if (to === 'closed') for (const listener of this.#resetListeners) this.#tell(listener);
    });
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      diagError(`A listener of breaker "${this.name}" threw`, error);
    }
  }
}
