import {
  applySettings,
  type BreakerMode,
  type BreakerSettings,
  type BreakerState,
  type CallOutcome,
  checkTripRules,
  InvalidInputError,
  type SettingsPatch,
  type TransitionReason,
} from '@switchgear/conventions';
import type { Clock } from './clock.ts';
import { type Effect, initialState, type MachineEvent, type MachineState, type Permit } from './machine/state.ts';
import { transition } from './machine/transition.ts';
import { callsCell, createCells, LAYOUT, stateWord, transitionsCell } from './memory/layout.ts';
import type { TransitionRecord } from './telemetry/observer.ts';
import { TimeWindow, type WindowCounts } from './window/time-window.ts';

interface Pass {
  readonly admitted: true;
  readonly permit: Permit;
  readonly state: BreakerState;
}

/** What a call was told when it asked to be let through. */
export type Admission = Pass | { readonly admitted: false; readonly retryAfterMs: number | null };

/** How an admitted call can end. */
export type SettledOutcome = Extract<CallOutcome, 'success' | 'failure' | 'timeout' | 'ignored' | 'cancelled'>;

export interface CoreEvents {
  transitioned(record: TransitionRecord): void;
  /** In shadow: it would have tripped. */
  shadowTripped(record: TransitionRecord): void;
}

/** A breaker's state and numbers: feeds the machine its events, keeps what it decides, and publishes afterwards. */
export class BreakerCore {
  readonly clock: Clock;
  readonly #origin: number;
  readonly #own: BreakerSettings;
  readonly #cells = createCells();
  readonly #window: TimeWindow;
  readonly #events: CoreEvents;
  #settings: BreakerSettings;
  #state: MachineState;
  /** What calls are admitted with while it is closed: one object for all of a generation. */
  #pass: Pass;
  /** When it last left closed, and what the wires had taken by then. */
  #opened: { readonly at: number; readonly diverted: number; readonly rejected: number } | undefined;

  constructor(settings: BreakerSettings, clock: Clock, events: CoreEvents) {
    this.clock = clock;
    this.#origin = clock.monotonicMs();
    this.#own = settings;
    this.#settings = settings;
    this.#events = events;
    this.#window = new TimeWindow(this.#cells.words, LAYOUT.window, settings.trip.windowMs);
    this.#state = initialState(0);
    this.#pass = passOf(this.#state);
    this.#cells.set(LAYOUT.word, stateWord(this.#state.kind, this.#state.generation));
  }

  get settings(): BreakerSettings {
    return this.#settings;
  }

  get state(): BreakerState {
    if (this.#state.kind === 'half_open') this.#decide({ type: 'tick' }, this.#now());
    return this.#state.kind;
  }

  get generation(): number {
    return this.#state.generation;
  }

  /** Asks for a permit. An admitted call must come back by `settle`. */
  admit(): Admission {
    const state = this.#state;
    if (state.kind === 'closed') {
      this.#cells.add(LAYOUT.active, 1);
      if (this.#pass.permit.generation !== state.generation) this.#pass = passOf(state);
      return this.#pass;
    }
    const effects = this.#decide({ type: 'call' }, this.#now());
    for (const effect of effects) {
      if (effect.type === 'deny') return { admitted: false, retryAfterMs: effect.retryAfterMs };
      if (effect.type !== 'admit') continue;
      this.#cells.add(LAYOUT.active, 1);
      return { admitted: true, permit: effect.permit, state: this.#state.kind };
    }
    throw new Error('The machine answered a call with neither a permit nor a refusal');
  }

  /**
   * Takes a permit back with what became of its call. Returns whether this call tripped the breaker.
   * @param at monotonic time of its end
   * @param report told of that after the decision and before its publication, so that a trip comes after its cause
   */
  settle(
    permit: Permit,
    outcome: SettledOutcome,
    at: number,
    report: (tripped: boolean, counted: boolean) => void,
  ): boolean {
    this.#cells.add(LAYOUT.active, -1);
    this.count(outcome);
    const now = at - this.#origin;
    if (outcome === 'ignored' || outcome === 'cancelled') {
      if (permit.lease !== null) this.#decide({ type: 'released', permit }, now);
      return false;
    }
    const failed = outcome !== 'success';
    // Late result: its permit is from an older generation, and its news would spoil the window of this one.
    const counted = permit.generation === this.#state.generation;
    if (counted && this.#judges()) this.#window.record(now, failed);
    if (!failed) {
      report(false, counted);
      if (permit.lease !== null) this.#decide({ type: 'succeeded', permit }, now);
      return false;
    }
    const event = { type: 'failed', permit, counts: this.#window.counts(now) } as const;
    return opens(this.#decide(event, now, undefined, (effects) => report(opens(effects), counted)));
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
   * Lays a patch over the breaker's own settings, or takes it off again. Counts and state stay.
   * @throws InvalidInputError where what results could never trip
   */
  configure(patch: SettingsPatch | undefined): void {
    const settings = applySettings(this.#own, patch ?? {});
    const problems = checkTripRules(settings);
    if (problems.length > 0) throw new InvalidInputError(problems);
    this.#settings = settings;
    this.#window.resize(settings.trip.windowMs);
  }

  /** Milliseconds until it may let a call through; 0 when it does now; null where an operator holds it open. */
  retryAfterMs(): number | null {
    if (this.#state.kind === 'forced_open') return null;
    return this.#state.kind === 'open' ? Math.max(0, this.#state.until - this.#now()) : 0;
  }

  count(outcome: CallOutcome): void {
    this.#cells.increment(callsCell(outcome));
  }

  calls(outcome: CallOutcome): number {
    return this.#cells.getWide(callsCell(outcome));
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return this.#cells.getWide(transitionsCell(state, reason));
  }

  /** Counts an executed call as slow where it took longer than the slow threshold. */
  countIfSlow(durationMs: number): void {
    const { slowMs } = this.#settings.trip;
    if (slowMs !== null && durationMs > slowMs) this.#cells.increment(LAYOUT.slowCalls);
  }

  slowCalls(): number {
    return this.#cells.getWide(LAYOUT.slowCalls);
  }

  activeCalls(): number {
    return this.#cells.get(LAYOUT.active);
  }

  window(): WindowCounts {
    return this.#window.counts(this.#now());
  }

  #now(): number {
    return this.clock.monotonicMs() - this.#origin;
  }

  /** Only these states look at the window. */
  #judges(): boolean {
    return this.#state.kind === 'closed' || this.#state.kind === 'shadow';
  }

  #changed(event: MachineEvent, note: string | undefined): boolean {
    return this.#decide(event, this.#now(), note).some((effect) => effect.type === 'transition');
  }

  #decide(
    event: MachineEvent,
    now: number,
    note?: string,
    beforePublishing?: (effects: readonly Effect[]) => void,
  ): readonly Effect[] {
    const { state, effects } = transition(this.#state, event, now, this.#settings);
    this.#state = state;
    const records = effects.map((effect) => this.#keep(effect, now, note));
    beforePublishing?.(effects);
    // Published only once everything is decided: a listener that calls back finds the breaker in its new state.
    for (const record of records) record?.();
    return effects;
  }

  #keep(effect: Effect, now: number, note: string | undefined): (() => void) | undefined {
    if (effect.type === 'shadow_trip') {
      const record = this.#record('shadow', this.#state, 'threshold', effect.counts, note);
      return () => this.#events.shadowTripped(record);
    }
    if (effect.type !== 'transition') return undefined;
    const { from, to, reason } = effect;
    this.#cells.set(LAYOUT.word, stateWord(to.kind, to.generation));
    this.#cells.increment(transitionsCell(to.kind, reason));
    const stops = to.kind === 'open' || to.kind === 'forced_open';
    if (stops) this.#opened ??= { at: now, diverted: this.calls('diverted'), rejected: this.calls('rejected') };
    const window = effect.counts ?? this.#window.counts(now);
    // One event can bring two transitions, such as an overdue probe and what came after it.
    const record = this.#record(from.kind, to, reason, window, note);
    if (to.kind === 'closed' || to.kind === 'disabled' || to.kind === 'shadow') {
      this.#opened = undefined;
      // The failures that tripped it must not trip it again.
      this.#window.clear();
    }
    return () => this.#events.transitioned(record);
  }

  #record(
    from: BreakerState,
    { kind: to, generation }: MachineState,
    reason: TransitionReason,
    window: WindowCounts,
    note: string | undefined,
  ): TransitionRecord {
    const opened = to === 'closed' ? this.#opened : undefined;
    return {
      from,
      to,
      reason,
      at: this.clock.wallMs(),
      generation,
      note,
      window,
      cooldownMs: this.#settings.cooldownMs,
      openMs: opened && this.#now() - opened.at,
      meanwhile: opened && {
        diverted: this.calls('diverted') - opened.diverted,
        rejected: this.calls('rejected') - opened.rejected,
      },
    };
  }
}

function opens(effects: readonly Effect[]): boolean {
  return effects.some((effect) => effect.type === 'transition' && effect.to.kind === 'open');
}

function passOf({ generation, kind }: MachineState): Pass {
  return { admitted: true, permit: { generation, lease: null }, state: kind };
}
