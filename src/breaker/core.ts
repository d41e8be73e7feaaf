import {
  applySettings,
  type BreakerMode,
  type BreakerSettings,
  type BreakerState,
  checkSettingsPatch,
  checkSettingsRules,
  InvalidInputError,
  type SettingsPatch,
  type TimedOutcome,
  type TransitionReason,
} from '@switchgear/conventions';
import type { Clock } from './clock.ts';
import type { Decision, Effect, MachineEvent, MachineState, Permit, RestoredState } from './machine/state.ts';
import { initialState } from './machine/state.ts';
import { transition } from './machine/transition.ts';
import { countCall, countTransition, forgetOpening, noteOpening, readOpening } from './memory/call-numbers.ts';
import type { Cells } from './memory/cells.ts';
import { recordDuration } from './memory/duration-histogram.ts';
import { addRing, createCells, LAYOUT } from './memory/layout.ts';
import { StateCell } from './memory/state-cell.ts';
import type { TransitionRecord } from './telemetry/observer.ts';
import { CallWindow } from './window/call-window.ts';
import type { WindowCounts } from './window/window-counts.ts';

interface Pass {
  readonly admitted: true;
  readonly permit: Permit;
  readonly state: BreakerState;
  /** It holds one of the places of the concurrency limit. */
  readonly limited: boolean;
}

/** What a call was told when it asked to be let through. `limited`: the concurrency limit was full. */
export type Admission =
  | Pass
  | { readonly admitted: false; readonly limited: boolean; readonly retryAfterMs: number | null };

/** How an admitted call can end. */
export type SettledOutcome = TimedOutcome | 'ignored' | 'cancelled';

/** A call that was let through, while it is in flight. */
export interface AdmittedCall {
  readonly pass: Pass;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** Under which it was counted as slow in flight: the window's mark, or the step of the ramp. */
  overdueMark: number | undefined;
}

export interface CoreEvents {
  transitioned(record: TransitionRecord): void;
  /** In shadow: it would have tripped. */
  shadowTripped(record: TransitionRecord): void;
}

const FIRST_STATES = {
  auto: initialState(0),
  disabled: initialState(0, 'disabled'),
  shadow: initialState(0, 'shadow'),
} as const;
const LIMIT_IS_FULL = { admitted: false, limited: true, retryAfterMs: 0 } as const;
/** Generations begin at 1. */
const NO_GENERATION = 0;

/** A breaker's state and numbers: feeds the machine its events, keeps what it decides, and publishes afterwards. */
export class BreakerCore {
  readonly clock: Clock;
  readonly cells: Cells;
  readonly #origin: number;
  readonly #state: StateCell;
  readonly #window: CallWindow;
  readonly #events: CoreEvents;
  #settings: BreakerSettings;
  /** What calls are admitted with while all are let through: one object for all of a generation. */
  #pass: Pass;
  #passOf: MachineState;
  /** The state in which the last call was judged. */
  #judgedIn: MachineState | undefined = undefined;

  /** A core with numbers of its own, in a mode that nobody is told of. */
  static create(
    settings: BreakerSettings,
    mode: keyof typeof FIRST_STATES,
    clock: Clock,
    events: CoreEvents,
  ): BreakerCore {
    const cells = createCells(settings.trip.windowCalls);
    forgetOpening(cells);
    const state = StateCell.create(cells, FIRST_STATES[mode]);
    return new BreakerCore(settings, clock, clock.monotonicMs(), cells, state, events);
  }

  /**
   * A core on the numbers of another thread's.
   * @param origin what this thread's clock showed when that core was made
   */
  static attach(
    settings: BreakerSettings,
    clock: Clock,
    origin: number,
    cells: Cells,
    events: CoreEvents,
  ): BreakerCore {
    return new BreakerCore(settings, clock, origin, cells, StateCell.attach(cells), events);
  }

  private constructor(
    settings: BreakerSettings,
    clock: Clock,
    origin: number,
    cells: Cells,
    state: StateCell,
    events: CoreEvents,
  ) {
    this.clock = clock;
    this.cells = cells;
    this.#origin = origin;
    this.#state = state;
    this.#settings = settings;
    this.#events = events;
    this.#window = new CallWindow(cells, LAYOUT.window, settings.trip);
    this.#passOf = state.read();
    this.#pass = passOf(this.#passOf, false);
  }

  get settings(): BreakerSettings {
    return this.#settings;
  }

  get state(): BreakerState {
    return this.#current().kind;
  }

  get generation(): number {
    return this.#state.read().generation;
  }

  /** Asks for a permit. An admitted call must come back by `settle`. */
  admit(): Admission {
    const state = this.#state.read();
    if (!letsAllThrough(state)) return this.#admitByMachine();
    const limited = this.#settings.maxConcurrent !== null;
    if (limited && !this.#takePlace()) return LIMIT_IS_FULL;
    this.cells.increment(LAYOUT.started);
    if (this.#passOf !== state || this.#pass.limited !== limited) {
      this.#passOf = state;
      this.#pass = passOf(state, limited);
    }
    return this.#pass;
  }

  /** A pass for a call that was made without asking: of this generation while closed, of none otherwise. */
  passWithoutAsking(): Pass {
    const { kind, generation } = this.#state.read();
    this.cells.increment(LAYOUT.started);
    const permit = { generation: kind === 'closed' ? generation : NO_GENERATION, lease: null };
    return { admitted: true, permit, state: kind, limited: false };
  }

  /**
   * Takes a permit back with what became of its call. Returns whether this call tripped the breaker.
   * @param endedAt monotonic ms
   * @param isSlow it is, whatever time it took
   * @param report told of a failure after the decision and before its publication, so that a trip comes after its cause
   */
  settle(
    call: AdmittedCall,
    outcome: SettledOutcome,
    endedAt: number,
    isSlow: boolean,
    report: ((tripped: boolean, counted: boolean) => void) | undefined,
  ): boolean {
    const { permit, limited } = call.pass;
    if (limited) this.cells.add(LAYOUT.limited, -1);
    if (outcome === 'ignored' || outcome === 'cancelled') {
      countCall(this.cells, outcome);
      if (permit.lease !== null) this.#decide({ type: 'released', permit }, this.#timeOf(endedAt));
      return false;
    }
    const durationMs = endedAt - call.startedAt;
    recordDuration(this.cells, outcome, durationMs);
    const wasOverdue = call.overdueMark !== undefined;
    const { slowMs } = this.#settings.trip;
    const slow = isSlow || wasOverdue || (slowMs !== null && durationMs > slowMs);
    if (slow && !wasOverdue) this.cells.increment(LAYOUT.slowCalls);
    const state = this.#readState();
    // Late result: its permit is from an older generation, and its news would spoil the window of this one.
    const isCurrent = permit.generation === state.generation;
    const now = this.#timeOf(endedAt);
    // Where all are let through, a good call changes the window at most.
    if (outcome === 'success' && isCurrent && letsAllThrough(state) && !slow) {
      if (state.kind !== 'disabled') this.#window.recordSuccess(now);
      return false;
    }
    return this.#judge(call, outcome !== 'success', slow, now, isCurrent, report);
  }

  /** Counts a call as slow that has been in flight for longer than the slow threshold. */
  overdue(call: AdmittedCall): void {
    const { permit } = call.pass;
    const now = this.now();
    // Time alone may have ended the step that the call is counted in.
    if (this.#state.read().kind === 'half_open') this.#decide({ type: 'tick' }, now);
    const state = this.#readState();
    if (permit.generation !== state.generation || (state.kind === 'half_open' && state.step === 0)) return;
    this.cells.increment(LAYOUT.slowCalls);
    call.overdueMark = judgesByWindow(state) ? this.#window.recordOverdue(now) : stepOf(state);
    this.#decide({ type: 'overdue', permit, counts: this.#window.counts(now) }, now);
  }

  trip(reason: TransitionReason, note?: string): boolean {
    return this.#changed({ type: 'trip', reason }, note);
  }

  reset(reason: TransitionReason, note?: string): boolean {
    return this.#changed({ type: 'reset', reason }, note);
  }

  setMode(mode: BreakerMode, reason: TransitionReason, note?: string): boolean {
    return this.#changed({ type: 'mode', mode, reason }, note);
  }

  /**
   * Puts other settings in force. State, counts and what the window holds stay.
   * @throws InvalidInputError where they break a rule together
   */
  configure(settings: BreakerSettings): void {
    const { windowCalls } = settings.trip;
    if (windowCalls !== null) addRing(this.cells);
    this.#settings = settings;
    this.#window.resize(settings.trip, this.now());
    if (this.cells.isShared) this.#state.touch();
  }

  /** Takes note that another thread has changed the settings. */
  follow(settings: BreakerSettings): void {
    this.#settings = settings;
    this.#window.follow(settings.trip);
  }

  /** Takes up a state and a window that another process left. Nobody is told: it is no transition. */
  restore(state: RestoredState, window: WindowCounts): void {
    const now = this.now();
    this.#decide({ type: 'restore', state }, now);
    forgetOpening(this.cells);
    if (state.kind === 'open' || state.kind === 'half_open') noteOpening(this.cells, now);
    this.#window.clear();
    this.#window.restore(window, now);
    if (this.cells.isShared) this.#state.touch();
  }

  /** The state as the machine has it, after what time alone has decided. */
  machineState(): MachineState {
    return this.#current();
  }

  /** Milliseconds until it may let a call through; 0 when it does now; null where an operator holds it open. */
  retryAfterMs(): number | null {
    const state = this.#state.read();
    if (state.kind === 'forced_open') return null;
    return state.kind === 'open' ? Math.max(0, state.until - this.now()) : 0;
  }

  /** Places of the concurrency limit that are free; Infinity where there is none. */
  freePlaces(): number {
    const { maxConcurrent } = this.#settings;
    return maxConcurrent === null ? Number.POSITIVE_INFINITY : maxConcurrent - this.cells.get(LAYOUT.limited);
  }

  window(): WindowCounts {
    return this.#window.counts(this.now());
  }

  /** Monotonic ms since the breaker was made. */
  now(): number {
    return this.#timeOf(this.clock.monotonicMs());
  }

  #timeOf(monotonicMs: number): number {
    return Math.max(0, monotonicMs - this.#origin);
  }

  /** The state to judge a call by. Where it is not the one of the last call, the window may not be either. */
  #readState(): MachineState {
    const state = this.#state.read();
    if (state !== this.#judgedIn) {
      this.#judgedIn = state;
      this.#window.lookAgain();
    }
    return state;
  }

  #current(): MachineState {
    const state = this.#state.read();
    if (state.kind !== 'half_open') return state;
    this.#decide({ type: 'tick' }, this.now());
    return this.#state.read();
  }

  #admitByMachine(): Admission {
    const { effects, state } = this.#decide({ type: 'call' }, this.now());
    for (const effect of effects) {
      if (effect.type === 'deny') return { admitted: false, limited: false, retryAfterMs: effect.retryAfterMs };
      if (effect.type !== 'admit') continue;
      // Probes go beside the limit: calls that hang, which is why it opened, would keep it from ever closing again.
      const limited = this.#settings.maxConcurrent !== null && effect.permit.lease === null;
      if (limited && !this.#takePlace()) return LIMIT_IS_FULL;
      this.cells.increment(LAYOUT.started);
      return { admitted: true, permit: effect.permit, state: state.kind, limited };
    }
    throw new Error('The machine answered a call with neither a permit nor a refusal');
  }

  #takePlace(): boolean {
    const { maxConcurrent } = this.#settings;
    if (this.cells.add(LAYOUT.limited, 1) <= (maxConcurrent ?? Number.POSITIVE_INFINITY)) return true;
    this.cells.add(LAYOUT.limited, -1);
    return false;
  }

  #judge(
    { pass: { permit }, overdueMark }: AdmittedCall,
    failed: boolean,
    slow: boolean,
    now: number,
    isCurrent: boolean,
    report: ((tripped: boolean, counted: boolean) => void) | undefined,
  ): boolean {
    const byWindow = isCurrent && judgesByWindow(this.#state.read());
    const { debounceMs } = this.#settings.trip;
    if (failed && byWindow && debounceMs !== null && this.#window.isDebounced(now, debounceMs)) {
      report?.(false, false);
      return false;
    }
    if (byWindow) this.#window.record(now, { failed, slow, overdueMark });
    const counts = this.#window.counts(now);
    const event: MachineEvent = { type: 'settled', permit, failed, slow, overdueStep: overdueMark, counts };
    const { effects } = this.#decide(event, now, undefined, (decided) =>
      report?.(isCurrent && opens(decided), isCurrent),
    );
    // A late failure may be what a hung probe is noticed by: that opens the breaker, and is not what tripped it.
    return failed && isCurrent && opens(effects);
  }

  #changed(event: MachineEvent, note: string | undefined): boolean {
    return this.#decide(event, this.now(), note).effects.some((effect) => effect.type === 'transition');
  }

  #decide(
    event: MachineEvent,
    now: number,
    note?: string,
    beforePublishing?: (effects: readonly Effect[]) => void,
  ): Decision {
    for (;;) {
      const before = this.#state.read();
      const decision = transition(before, event, { now, settings: this.#settings, chance: Math.random() });
      const held = this.#forgetBefore(before, decision.state, now);
      // Another thread's decision came first: this one is made anew, on what that one left.
      if (decision.state !== before && !this.#state.replace(decision.state)) continue;
      const records = decision.effects.map((effect) => this.#keep(effect, decision.state, held, now, note));
      beforePublishing?.(decision.effects);
      // Published only once everything is decided: a listener that calls back finds the breaker in its new state.
      for (const record of records) record?.();
      return decision;
    }
  }

  /**
   * The failures that tripped it must not trip it again, in no thread: they are forgotten before the state in which they
   * would count is in force. Returns what the window held.
   */
  #forgetBefore(before: MachineState, after: MachineState, now: number): WindowCounts | undefined {
    if (!judgesByWindow(after) || judgesByWindow(before)) return undefined;
    const held = this.#window.counts(now);
    this.#window.clear();
    return held;
  }

  #keep(
    effect: Effect,
    after: MachineState,
    held: WindowCounts | undefined,
    now: number,
    note: string | undefined,
  ): (() => void) | undefined {
    if (effect.type === 'shadow_trip') {
      const record = this.#record('shadow', after, effect.reason, effect.counts, now, note);
      return () => this.#events.shadowTripped(record);
    }
    if (effect.type !== 'transition') return undefined;
    const { from, to, reason } = effect;
    countTransition(this.cells, to.kind, reason);
    if (to.kind === 'open' || to.kind === 'forced_open') noteOpening(this.cells, now);
    const window = effect.counts ?? held ?? this.#window.counts(now);
    // One event can bring two transitions, such as an overdue probe and what came after it.
    const record = this.#record(from.kind, to, reason, window, now, note);
    if (to.kind === 'closed' || to.kind === 'disabled' || to.kind === 'shadow') {
      forgetOpening(this.cells);
      // Between two states that judge by it, such as shadow and closed, it is forgotten only now.
      if (held === undefined) {
        this.#window.clear();
        if (this.cells.isShared) this.#state.touch();
      }
    }
    return () => this.#events.transitioned(record);
  }

  #record(
    from: BreakerState,
    to: MachineState,
    reason: TransitionReason,
    window: WindowCounts,
    now: number,
    note: string | undefined,
  ): TransitionRecord {
    const opening = to.kind === 'closed' ? readOpening(this.cells) : undefined;
    return {
      from,
      to: to.kind,
      reason,
      at: this.clock.wallMs(),
      generation: to.generation,
      note,
      window,
      cooldownMs: to.kind === 'open' ? to.until - to.since : 0,
      openMs: opening && now - opening.at,
      meanwhile: opening && { diverted: opening.diverted, rejected: opening.rejected },
    };
  }
}

/** Lays a patch over a breaker's own settings. @throws InvalidInputError where what results breaks a rule */
export function settingsWith(own: BreakerSettings, patch: SettingsPatch | undefined): BreakerSettings {
  if (patch === undefined) return own;
  const problems = checkSettingsPatch(patch);
  if (problems.length > 0) throw new InvalidInputError(problems);
  const settings = applySettings(own, patch);
  const broken = checkSettingsRules(settings);
  if (broken.length > 0) throw new InvalidInputError(broken);
  return settings;
}

function stepOf(state: MachineState): number {
  return state.kind === 'half_open' ? state.step : 0;
}

/** A call needs no decision to be let through, and neither does a good one when it is back. */
function letsAllThrough({ kind }: MachineState): boolean {
  return kind === 'closed' || kind === 'shadow' || kind === 'disabled';
}

/** Only these states look at the window. */
function judgesByWindow({ kind }: MachineState): boolean {
  return kind === 'closed' || kind === 'shadow';
}

function opens(effects: readonly Effect[]): boolean {
  return effects.some((effect) => effect.type === 'transition' && effect.to.kind === 'open');
}

/** What nearly every breaker lets its calls through with: closed, as it was made, and without a limit. */
const FIRST_PASS: Pass = { admitted: true, permit: { generation: 1, lease: null }, state: 'closed', limited: false };

function passOf({ generation, kind }: MachineState, limited: boolean): Pass {
  if (generation === 1 && kind === 'closed' && !limited) return FIRST_PASS;
  return { admitted: true, permit: { generation, lease: null }, state: kind, limited };
}
