import {
  type BreakerState,
  type Check,
  checkOverride,
  InvalidInputError,
  integer,
  isRecord,
  number,
  type Override,
  object,
  oneOf,
} from '@switchgear/conventions';
import type { BreakerCore } from './core.ts';
import type { RestoredState } from './machine/state.ts';
import type { OwnMode } from './options.ts';
import { OVERRIDE_SOURCES, type OverrideSource } from './override-hold.ts';
import type { WindowCounts } from './window/window-counts.ts';

export const SNAPSHOT_SCHEMA = 'switchgear.breaker-state/v1';

/** What a breaker knows at a time, as plain JSON: for a process that goes on where another one left off. */
export interface BreakerSnapshot {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  /** Wall time, ms since the epoch. */
  readonly takenAt: number;
  readonly state: 'closed' | 'open' | 'half_open';
  /** How often it had opened again without a reset between: what a growing cooldown grows by. */
  readonly reopenings: number;
  /** Milliseconds left of the cooldown; 0 unless open. */
  readonly cooldownLeftMs: number;
  /** What the window held; taken up as if it were of the moment of import. */
  readonly window: WindowCounts;
  /** What an operator had set; it is held on until its expiry. */
  readonly override?: Override;
  /** Who set it: what the control plane set, it can take off again. Default `operator`. */
  readonly overrideSource?: OverrideSource;
}

/** Most that a count is taken up with: it goes on in a word of 31 bits. */
const MOST_COUNTED = 1_000_000_000;

const NO_CALLS: WindowCounts = { executed: 0, failed: 0, slow: 0, consecutive: 0 };

const count = integer(0, MOST_COUNTED);
/** No cooldown is longer. */
const DAY_MS = 86_400_000;
const time = number('must be a number from 0', (value) => value >= 0 && Number.isFinite(value));
const cooldown = number(`must be a number from 0 to ${DAY_MS}`, (value) => value >= 0 && value <= DAY_MS);
const override: Check = (value, field) => (value === undefined ? [] : checkOverride(value, field));
const snapshot = object(
  {
    schema: oneOf([SNAPSHOT_SCHEMA]),
    takenAt: time,
    state: oneOf(['closed', 'open', 'half_open']),
    reopenings: count,
    cooldownLeftMs: cooldown,
    window: object({ executed: count, failed: count, slow: count, consecutive: count }),
  },
  { override, overrideSource: oneOf(OVERRIDE_SOURCES) },
);

/** A breaker that is held in a mode is described as the state it would go on from. */
export function takeSnapshot(
  core: BreakerCore,
  held: Override | undefined,
  setBy: OverrideSource | undefined,
): BreakerSnapshot {
  const state = core.machineState();
  const { executed, failed, slow, consecutive } = core.window();
  return {
    schema: SNAPSHOT_SCHEMA,
    takenAt: core.clock.wallMs(),
    state: goesOnAs(state.kind),
    reopenings: state.kind === 'open' || state.kind === 'half_open' ? state.reopenings : 0,
    cooldownLeftMs: state.kind === 'open' ? Math.max(0, state.until - core.now()) : 0,
    window: { executed, failed, slow, consecutive },
    ...(held && { override: held }),
    ...(held && setBy && { overrideSource: setBy }),
  };
}

/** @throws InvalidInputError naming each field that breaks a rule */
export function checkSnapshot(value: unknown): BreakerSnapshot {
  const problems = snapshot(value, '');
  if (problems.length === 0 && isRecord(value)) {
    const { executed, failed, slow } = value.window as WindowCounts;
    if (failed > executed || slow > executed) {
      problems.push({ field: 'window.executed', rule: 'must not be below failed or slow', value: executed });
    }
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return value as BreakerSnapshot;
}

/**
 * Takes it up: the cooldown has gone on meanwhile, by the wall clock. A breaker that has a mode of its own is in that mode, and
 * what it judged by is all that it takes up.
 */
export function restoreSnapshot(core: BreakerCore, from: BreakerSnapshot, mode: OwnMode): void {
  if (mode !== 'auto') {
    core.restore({ kind: mode }, mode === 'shadow' ? from.window : NO_CALLS);
    return;
  }
  const elapsedMs = Math.max(0, core.clock.wallMs() - from.takenAt);
  core.restore(stateOf(from, elapsedMs), from.window);
}

/** What a breaker in this state would be without what holds it there. */
function goesOnAs(state: BreakerState): BreakerSnapshot['state'] {
  switch (state) {
    case 'open':
    case 'half_open':
      return state;
    // Released, it is probed first.
    case 'forced_open':
      return 'half_open';
    default:
      return 'closed';
  }
}

function stateOf({ state, reopenings, cooldownLeftMs }: BreakerSnapshot, elapsedMs: number): RestoredState {
  switch (state) {
    case 'closed':
      return { kind: state };
    case 'half_open':
      return { kind: state, reopenings };
    case 'open':
      return { kind: state, reopenings, remainingMs: Math.max(0, cooldownLeftMs - elapsedMs) };
  }
}
