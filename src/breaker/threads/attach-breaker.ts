import { type BreakerSettings, InvalidInputError } from '@switchgear/conventions';
import { BreakerFace } from '../breaker-face.ts';
import { CallPath } from '../calls/call-path.ts';
import { processMs } from '../clock.ts';
import { BreakerCore } from '../core.ts';
import { sharedCells } from '../memory/layout.ts';
import { SharedSettings } from '../memory/shared-settings.ts';
import type { AttachedWire } from '../neutral/divert.ts';
import type { NeutralWire } from '../neutral/wire.ts';
import { WireCounters } from '../neutral/wire-counters.ts';
import { type BreakerOptions, type ValidOptions, validateOptions } from '../options.ts';
import { Publisher } from '../publisher.ts';
import { CoreReadings } from '../readings.ts';
import { observerFor } from '../telemetry/choose.ts';
import { IsolatedObserver } from '../telemetry/isolated-observer.ts';
import { Announcements } from './announcements.ts';
import { type BreakerHandle, isBreakerHandle } from './breaker-handle.ts';

/** What a thread adds to a breaker it shares: all that cannot be sent from thread to thread, which is its functions. */
export type AttachOptions<Wires extends readonly NeutralWire[] = readonly NeutralWire[]> = Pick<
  BreakerOptions<Wires>,
  | 'isFailure'
  | 'isFailureResult'
  | 'isSlow'
  | 'neutralWires'
  | 'wireMode'
  | 'wireTimeoutMs'
  | 'callSpans'
  | 'telemetry'
  | 'clock'
>;

/**
 * The breaker of another thread, in this one. State, window, counters and settings are the same; calls are judged by the
 * functions given here. A neutral wire needs the name of one of the owner's, whose counters it counts in, and must hold
 * nothing: a buffer belongs to the thread that owns the breaker.
 * @param handle what `share()` returned in the thread that owns the breaker
 * @throws InvalidInputError naming each option that breaks its rule
 */
export function attachBreaker<const Wires extends readonly NeutralWire[] = readonly []>(
  handle: BreakerHandle,
  options: AttachOptions<Wires> = {},
): AttachedBreaker<Wires> {
  if (!isBreakerHandle(handle)) {
    throw new InvalidInputError([{ field: 'handle', rule: 'must be what share() returned', value: handle }]);
  }
  return new AttachedBreaker<Wires>(handle, options);
}

/** A breaker in a thread that does not own it. Made by `attachBreaker`. */
export class AttachedBreaker<Wires extends readonly NeutralWire[] = readonly NeutralWire[]> extends BreakerFace<Wires> {
  readonly #settings: SharedSettings;
  readonly #announcements: Announcements;

  constructor(handle: BreakerHandle, options: AttachOptions<Wires>) {
    const valid = validateOptions(handle.name, options);
    const wires = attachToCounters(valid, handle);
    const settings = new SharedSettings(handle.settings);
    const publisher = new Publisher(handle.name, false);
    const origin = valid.clock.monotonicMs() - (processMs(valid.clock) - handle.madeAt);
    const inForce = readSettings(settings);
    const core = BreakerCore.attach(inForce, valid.clock, origin, sharedCells(handle.numbers), publisher);
    const readings = new CoreReadings(handle.name, valid.callSpans, [], core);
    // Its metrics are the owner's to export; spans and events of calls belong to the thread they ran in.
    const observer = new IsolatedObserver(observerFor(options.telemetry ?? 'otel'), readings);
    publisher.connect(observer);
    super({
      core,
      path: new CallPath(valid, core, wires, observer, publisher),
      publisher,
      readings,
      // Wires that replay belong to the thread that owns the breaker.
      operations: undefined,
    });
    this.#settings = settings;
    this.#announcements = new Announcements(handle.channel, publisher, valid.clock, core.generation);
  }

  /** Takes no more calls in this thread. The breaker goes on in the others. */
  close(): void {
    this.isShutDown = true;
    this.#announcements.close();
  }

  protected refresh(): void {
    const changed = this.#settings.readIfChanged();
    if (changed) this.parts.core.follow(changed);
  }
}

/** The owner may be writing them at this moment, which is over at once. */
function readSettings(settings: SharedSettings): BreakerSettings {
  for (;;) {
    const found = settings.readIfChanged();
    if (found) return found;
  }
}

function attachToCounters({ wires }: ValidOptions, handle: BreakerHandle): AttachedWire[] {
  return wires.map((wire, index) => {
    const field = `neutralWires[${index}]`;
    const counters = handle.wires.find((known) => known.name === wire.name)?.counters;
    if (!counters) {
      const known = handle.wires.map((owned) => owned.name).join(', ') || 'none';
      const rule = `must be the name of a wire of breaker "${handle.name}" in the thread that owns it (${known})`;
      throw new InvalidInputError([{ field: `${field}.name`, rule, value: wire.name }]);
    }
    if (wire.load || wire.attach) {
      const rule = 'must hold no calls: such a wire belongs to the thread that owns the breaker';
      throw new InvalidInputError([{ field, rule, value: wire.kind }]);
    }
    return { wire, counters: new WireCounters(counters) };
  });
}
