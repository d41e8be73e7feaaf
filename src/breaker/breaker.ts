import type { BreakerSettings, BreakerState, Override, SettingsPatch } from '@switchgear/conventions';
import { BreakerFace } from './breaker-face.ts';
import { CallPath } from './calls/call-path.ts';
import { Operations } from './calls/operations.ts';
import type { CloseOptions } from './close-options.ts';
import { BreakerCore, settingsWith } from './core.ts';
import { readCallsCome } from './memory/call-numbers.ts';
import { attachWires } from './neutral/attach.ts';
import type { AttachedWire } from './neutral/divert.ts';
import { rampStepOf } from './neutral/ramp-step.ts';
import { isWireClosing, type NeutralWire } from './neutral/wire.ts';
import {
  type BreakerDefinition,
  type BreakerOptions,
  type OwnMode,
  type ValidDefinition,
  type ValidOptions,
  validateDefinition,
  validateOptions,
} from './options.ts';
import { OverrideHold, type OverrideSource } from './override-hold.ts';
import { Publisher } from './publisher.ts';
import { CoreReadings } from './readings.ts';
import { type BreakerSnapshot, checkSnapshot, restoreSnapshot, takeSnapshot } from './snapshot.ts';
import { observerFor } from './telemetry/choose.ts';
import { diagError, diagWarn, IsolatedObserver } from './telemetry/isolated-observer.ts';
import type { BreakerReadings } from './telemetry/observer.ts';
import type { BreakerHandle } from './threads/breaker-handle.ts';
import { SharedBreaker } from './threads/shared-breaker.ts';

/** Is told what others have to know of a breaker. */
export interface BreakerListing {
  /** It was closed down. */
  closed(name: string): void;
  /** Its settings or its mode may be others now. */
  redefined(name: string): void;
}

/** Guards one dependency. Made by `createBreaker`. */
export class Breaker<Wires extends readonly NeutralWire[] = readonly NeutralWire[]> extends BreakerFace<Wires> {
  readonly #options: ValidOptions;
  readonly #wires: readonly AttachedWire[];
  readonly #observer: IsolatedObserver;
  readonly #listed: BreakerListing;
  /** What it is by itself: its settings without the patch, and its mode without an override. */
  #own: ValidDefinition;
  #patch: SettingsPatch | undefined = undefined;
  #hold: OverrideHold | undefined = undefined;
  #shared: SharedBreaker | undefined = undefined;

  /**
   * @param listed where the process has its breakers by name
   * @param group of a breaker that reports as one of a group
   */
  constructor(name: string, options: BreakerOptions<Wires>, listed: BreakerListing, group?: BreakerReadings) {
    const valid = validateOptions(name, options);
    const publisher = new Publisher(name, true);
    const core = BreakerCore.create(valid.settings, valid.mode, valid.clock, publisher);
    // Without a wire nobody replays anything.
    const operations = valid.wires.length > 0 ? new Operations() : undefined;
    const attached = attachWires(valid, {
      breaker: name,
      observer: () => this.#observer,
      operations,
      replay: (replay, origin) => {
        this.refresh();
        return this.parts.path.replay(replay, origin);
      },
      retryAfterMs: () => core.retryAfterMs(),
      state: () => this.state,
      rampStep: () => rampStepOf(core.machineState(), core.settings),
      callsCome: () => readCallsCome(core.cells),
      freePlaces: () => core.freePlaces(),
      maxConcurrent: () => core.settings.maxConcurrent,
      slowMs: () => core.settings.trip.slowMs,
      onReset: (listener) => onEntering(publisher, ['closed'], listener),
      onTrip: (listener) => onEntering(publisher, ['open', 'forced_open'], listener),
    });
    const readings = new CoreReadings(name, valid.callSpans, attached.readings, core, group);
    const observer = new IsolatedObserver(observerFor(options.telemetry ?? 'otel'), readings);
    publisher.connect(observer);
    super({
      core,
      path: new CallPath(valid, core, attached.wires, observer, publisher),
      publisher,
      readings,
      operations,
    });
    this.#options = valid;
    this.#own = valid;
    this.#wires = attached.wires;
    this.#observer = observer;
    this.#listed = listed;
    observer.added();
  }

  /** The mode that it is in where no override holds it. */
  get mode(): OwnMode {
    return this.#own.mode;
  }

  get override(): Override | undefined {
    this.refresh();
    return this.#hold?.current;
  }

  /** Who set the override; undefined where there is none. */
  get overrideSource(): OverrideSource | undefined {
    this.refresh();
    return this.#hold?.source;
  }

  /** Wall time by the breaker's clock, ms since the epoch. */
  wallMs(): number {
    return this.#options.clock.wallMs();
  }

  get neutralWires(): Wires {
    return this.#options.wires as unknown as Wires;
  }

  /**
   * Holds the breaker in a mode until `expiresAt`: forced open, disabled (lets all through) or shadow (counts, rejects
   * nothing). Then it is in its own mode again; in `auto` it sends probes before it closes, if it was forced open.
   * @throws InvalidInputError where the override breaks a rule or has run out already; nothing changes then
   */
  holdIn(override: Override, source: { readonly reason?: OverrideSource; readonly revision?: number } = {}): void {
    const reason = source.reason ?? 'operator';
    const { core } = this.parts;
    this.#hold ??= new OverrideHold(this.#options.clock, (setBy) =>
      core.setMode(this.#own.mode, setBy, 'the override expired'),
    );
    this.#hold.set(override, reason);
    core.setMode(override.mode, reason, override.reason);
    this.#observer.overridden({ ...override, revision: source.revision });
  }

  /** Ends an override. Returns false where there is none. */
  release(reason: OverrideSource = 'operator'): boolean {
    if (!this.#hold?.clear()) return false;
    this.parts.core.setMode(this.#own.mode, reason);
    return true;
  }

  /** Acts on a desired state: the same as `trip` and `reset`, told apart in the telemetry. */
  act(kind: 'trip' | 'reset', note: string): boolean {
    const { core } = this.parts;
    return kind === 'trip' ? core.trip('desired_state', note) : core.reset('desired_state', note);
  }

  /**
   * Lays new settings over its own, or takes them off with `undefined`. State, counts, what the window holds and listeners
   * stay; in every thread that shares the breaker the next call goes by them.
   * @throws InvalidInputError where what results breaks a rule; nothing changes then
   */
  configure(patch: SettingsPatch | undefined): void {
    const settings = settingsWith(this.#own.settings, patch);
    this.#patch = patch;
    this.#enforce(settings);
  }

  /**
   * Puts other settings and another mode of its own in force, as if it had been made with them: what the definition leaves
   * out takes its default. State, counts, what the window holds, listeners and receipts stay, and so do an override and
   * what `configure` laid over its settings. Another mode is a transition with reason `operator`, unless an override holds.
   * @throws InvalidInputError where the definition, or what results, breaks a rule; nothing changes then
   */
  redefine(definition: BreakerDefinition): void {
    const own = validateDefinition(definition);
    const settings = settingsWith(own.settings, this.#patch);
    this.refresh();
    const isOtherMode = own.mode !== this.#own.mode;
    this.#own = own;
    this.#enforce(settings);
    if (isOtherMode && !this.isHeld) this.parts.core.setMode(own.mode, 'operator', 'redefined');
    this.#listed.redefined(this.name);
  }

  /**
   * What the breaker knows, as plain JSON: for a process that goes on where this one leaves off. Counters are not in it:
   * metrics begin at 0 in each process.
   */
  exportState(): BreakerSnapshot {
    this.refresh();
    return takeSnapshot(this.parts.core, this.#hold?.current, this.#hold?.source);
  }

  /**
   * Takes up what another process knew. A cooldown has gone on meanwhile, by the wall clock; an override is held on until it
   * expires. Calls in flight decide nothing any more. No transition is reported but that of an override: it is the
   * same outage as before. In a mode of its own it stays in that, whatever the other one was in.
   * @throws InvalidInputError naming each field that breaks a rule; nothing changes then
   */
  importState(snapshot: BreakerSnapshot): void {
    const valid = checkSnapshot(snapshot);
    this.#hold?.clear();
    restoreSnapshot(this.parts.core, valid, this.#own.mode);
    const { override, overrideSource } = valid;
    if (!override || Date.parse(override.expiresAt) <= this.wallMs()) return;
    this.holdIn(override, overrideSource && { reason: overrideSource });
  }

  /**
   * Moves its numbers to memory that the threads of this process share, and returns a handle for `workerData` or
   * `postMessage`. A worker that calls `attachBreaker` with it has the same breaker: one state, one window, each transition
   * decided and published once. This thread owns it: it exports the metrics, and its settings and overrides hold for all.
   */
  share(): BreakerHandle {
    this.#shared ??= new SharedBreaker(this.parts, this.#wires);
    return this.#shared.handle;
  }

  /**
   * Takes no more calls, gives each wire `drainForMs` (default 0) to replay what it holds, and ends the breaker's series.
   * What a memory buffer still holds then is dropped, counted with reason `shutdown`.
   */
  async close({ drainForMs = 0, lastLook }: CloseOptions = {}): Promise<void> {
    if (this.isShutDown) return;
    this.isShutDown = true;
    const ends = await Promise.allSettled(this.#wires.map(async ({ wire }) => wire.close?.({ drainForMs })));
    const givenUp: string[] = [];
    ends.forEach((end, index) => {
      if (end.status === 'rejected') diagError(`A wire of breaker "${this.name}" threw at its close`, end.reason);
      else if (isWireClosing(end.value) && end.value.givenUp > 0) {
        givenUp.push(`${end.value.givenUp} of wire "${this.#wires[index]?.wire.name}"`);
      }
    });
    if (givenUp.length > 0) diagWarn(`Breaker "${this.name}" gave up held calls at its close: ${givenUp.join(', ')}`);
    await lastLook?.();
    this.#hold?.clear();
    this.#shared?.close();
    this.#listed.closed(this.name);
    this.#observer.removed();
  }

  /** What `configure` laid over its settings. */
  protected get laidOver(): SettingsPatch | undefined {
    return this.#patch;
  }

  /** By an override. */
  protected get isHeld(): boolean {
    return this.#hold?.current !== undefined;
  }

  protected refresh(): void {
    this.#hold?.expireIfDue();
  }

  #enforce(settings: BreakerSettings): void {
    this.parts.core.configure(settings);
    this.#shared?.publishSettings(settings);
  }
}

function onEntering(publisher: Publisher, states: readonly BreakerState[], listener: () => void): void {
  publisher.onTransition(({ to }) => {
    if (states.includes(to)) listener();
  });
}
