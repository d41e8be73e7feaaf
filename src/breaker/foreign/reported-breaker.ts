import {
  type BreakerSettings,
  type BreakerState,
  checkOverride,
  InvalidInputError,
  OVERRIDE_MODES,
  type Override,
  type OverrideMode,
  type Problem,
  type SettingsPatch,
} from '@switchgear/conventions';
import type { CallFailure } from '../calls/call-path.ts';
import type { CloseOptions } from '../close-options.ts';
import type { SteeredBreaker } from '../control/steered-breaker.ts';
import { OverrideHold, type OverrideSource } from '../override-hold.ts';
import { Publisher, type Transition, type TurnedAwayCall } from '../publisher.ts';
import { type BreakerStats, readStats } from '../stats.ts';
import { observerFor } from '../telemetry/choose.ts';
import { diagError, IsolatedObserver } from '../telemetry/isolated-observer.ts';
import type { ForeignBreaker, ForeignWire } from './foreign-breaker.ts';
import { ForeignCore } from './foreign-core.ts';
import type { ValidReportOptions } from './foreign-options.ts';
import { ForeignReadings } from './foreign-readings.ts';
import { ForeignReport } from './foreign-report.ts';
import { ForeignWires } from './foreign-wires.ts';

/** A breaker of another library that reports as one of this one. Made by `reportBreaker`. */
export class ReportedBreaker implements SteeredBreaker {
  readonly name: string;
  readonly #source: ForeignBreaker;
  readonly #options: ValidReportOptions;
  readonly #core: ForeignCore;
  readonly #readings: ForeignReadings;
  readonly #publisher: Publisher;
  readonly #observer: IsolatedObserver;
  readonly #report: ForeignReport;
  readonly #onClosed: (name: string) => void;
  readonly #hold: OverrideHold;
  readonly #detach: () => void;
  /** The mode it is held in, and what lets go of it. */
  #held: { readonly mode: OverrideMode; readonly letGo: () => void } | undefined = undefined;
  #isClosed = false;

  /** @param onClosed called once, when it is closed */
  constructor(name: string, source: ForeignBreaker, options: ValidReportOptions, onClosed: (name: string) => void) {
    const { settings, clock, callSpans, telemetry } = options;
    const publisher = new Publisher(name, true);
    const known = source.settings?.cooldownMs;
    const cooldownMs = typeof known === 'number' ? known : 0;
    const core = new ForeignCore({ name, settings, clock, publisher, cooldownMs, ask: () => source.state() });
    const wires = new ForeignWires(source.wires ?? []);
    this.name = name;
    this.#source = source;
    this.#options = options;
    this.#core = core;
    this.#publisher = publisher;
    this.#onClosed = onClosed;
    this.#readings = new ForeignReadings(name, callSpans, wires.readings, core, () => source.activeCalls?.() ?? 0);
    this.#observer = new IsolatedObserver(observerFor(telemetry), this.#readings);
    this.#hold = new OverrideHold(clock, (setBy) => this.#free(setBy, 'the override expired'));
    publisher.connect(this.#observer);
    this.#report = new ForeignReport(core, wires, this.#observer, publisher);
    this.#detach = source.attach(this.#report);
    this.#observer.added();
  }

  get state(): BreakerState {
    this.#hold.expireIfDue();
    return this.#core.state;
  }

  /** Rises at every change of its state. */
  get generation(): number {
    return this.#core.generation;
  }

  /** As far as they are known: a number that is not known is null, or the default of this library. */
  get settings(): BreakerSettings {
    return this.#core.settings;
  }

  get neutralWires(): readonly ForeignWire[] {
    return this.#readings.wires.map(({ name, kind }) => ({ name, kind }));
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

  /** Wall time by its clock, ms since the epoch. */
  wallMs(): number {
    return this.#options.clock.wallMs();
  }

  stats(): BreakerStats {
    return readStats(this.#readings);
  }

  /**
   * Opens it for one cooldown of its own. Does nothing, and returns false, unless it is closed or half-open.
   * @throws InvalidInputError where its library has no way to
   */
  trip({ reason }: { readonly reason?: string } = {}): boolean {
    return this.#act('trip', 'operator', reason);
  }

  /**
   * Closes it. Does nothing, and returns false, unless it is open or half-open.
   * @throws InvalidInputError where its library has no way to
   */
  reset({ reason }: { readonly reason?: string } = {}): boolean {
    return this.#act('reset', 'operator', reason);
  }

  /** Acts on a desired state: the same as `trip` and `reset`, told apart in the telemetry. */
  act(kind: 'trip' | 'reset', note: string): boolean {
    return this.#act(kind, 'desired_state', note);
  }

  /**
   * Holds it in a mode until `expiresAt`.
   * @throws InvalidInputError where its library has no way to, or where the override breaks a rule or has run out already;
   *   nothing changes then
   */
  holdIn(override: Override, source: { readonly reason?: OverrideSource; readonly revision?: number } = {}): void {
    const reason = source.reason ?? 'operator';
    const take = this.#holdOf(override);
    this.#hold.set(override, reason);
    try {
      this.#core.steer(reason, override.reason, () => this.#take(override.mode, take));
    } catch (error) {
      this.#hold.clear();
      throw error;
    }
    this.#observer.overridden({ ...override, revision: source.revision });
  }

  /** Ends an override: it goes on as its library has it. Returns false where there is none. */
  release(reason: OverrideSource = 'operator'): boolean {
    if (!this.#hold.clear()) return false;
    this.#free(reason, undefined);
    return true;
  }

  /** @throws InvalidInputError for any settings: it goes by its own */
  configure(patch: SettingsPatch | undefined): void {
    if (patch === undefined || Object.keys(patch).length === 0) return;
    throw refused({ field: 'config', rule: 'must be left out: this breaker goes by its own settings', value: patch });
  }

  /** Calls `listener` after each change of its state. Returns what takes it off. */
  onTransition(listener: (transition: Transition) => void): () => void {
    return this.#publisher.onTransition(listener);
  }

  /** After each call that failed or timed out. Returns what takes it off. */
  onFailure(listener: (failure: CallFailure) => void): () => void {
    return this.#publisher.onFailure(listener);
  }

  /** After each call that was not let through. Returns what takes it off. */
  onTurnedAway(listener: (call: TurnedAwayCall) => void): () => void {
    return this.#publisher.onTurnedAway(listener);
  }

  /** Ends the report and its series, and lets go of an override. The breaker itself goes on as if there had been no report. */
  async close({ lastLook }: CloseOptions = {}): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await lastLook?.();
    this.#hold.clear();
    for (const end of [this.#detach, () => this.#report.end(), () => this.#held?.letGo()]) {
      try {
        end();
      } catch (error) {
        diagError(`The bridge to breaker "${this.name}" threw at its close`, error);
      }
    }
    this.#onClosed(this.name);
    this.#observer.removed();
  }

  #act(kind: 'trip' | 'reset', reason: OverrideSource, note: string | undefined): boolean {
    const source = this.#source;
    if (source[kind] === undefined) {
      throw refused({ field: kind, rule: 'is not possible: the library of this breaker has no way to', value: kind });
    }
    const { state } = this;
    const isPossible = state === 'half_open' || state === (kind === 'trip' ? 'closed' : 'open');
    return isPossible && this.#core.steer(reason, note, () => source[kind]?.());
  }

  #holdOf(override: Override): () => () => void {
    const problems = checkOverride(override);
    if (problems.length > 0) throw new InvalidInputError(problems);
    const take = this.#source.holds?.[override.mode];
    if (take !== undefined) return take;
    const modes = OVERRIDE_MODES.filter((mode) => this.#source.holds?.[mode] !== undefined).join(' or ');
    const rule = modes
      ? `must be ${modes}: the library of this breaker has no way to hold it in another`
      : 'is not possible: the library of this breaker has no way to hold it';
    throw refused({ field: 'mode', rule, value: override.mode });
  }

  #take(mode: OverrideMode, take: () => () => void): void {
    // Another reason or expiry for the same mode: there is to be no moment without it.
    if (this.#held?.mode === mode) return;
    const before = this.#held;
    this.#held = undefined;
    before?.letGo();
    this.#held = { mode, letGo: take() };
  }

  #free(reason: OverrideSource, note: string | undefined): void {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#core.steer(reason, note, held.letGo);
  }
}

function refused(problem: Problem): InvalidInputError {
  return new InvalidInputError([problem]);
}
