import { BREAKER_STATES } from '@switchgear/conventions';
import { type HalfOpen, type Lease, type MachineState, MOST_LEASES } from '../machine/state.ts';
import type { Cells } from './cells.ts';

/** Places in a record, in words; times are doubles and take two. */
const KIND = 0;
const GENERATION = 1;
const SINCE = 2;
/** `until` of open, `quietUntil` of shadow, `stepSince` of half-open. */
const TIME = 4;
const REOPENINGS = 6;
const GOOD = 7;
const STEP = 8;
const OFFERED = 9;
const ADMITTED = 10;
const EXECUTED = 11;
const FAILED = 12;
const SLOW = 13;
/** A bit for each lease that is out. */
const LEASES = 14;
const DEADLINES = 15;

/** Words of one state record. */
export const RECORD_WORDS = DEADLINES + 2 * MOST_LEASES;

/** Writes a state into a record, as far as its kind needs. */
export function writeState(cells: Cells, at: number, state: MachineState): void {
  cells.set(at + KIND, BREAKER_STATES.indexOf(state.kind));
  cells.set(at + GENERATION, state.generation);
  cells.setDouble(at + SINCE, state.since);
  switch (state.kind) {
    case 'open':
      cells.setDouble(at + TIME, state.until);
      cells.set(at + REOPENINGS, state.reopenings);
      return;
    case 'shadow':
      cells.setDouble(at + TIME, state.quietUntil);
      return;
    case 'half_open':
      writeHalfOpen(cells, at, state);
      return;
    default:
  }
}

/** Reads it back. Words that another thread is writing may come out mixed: the reader checks that nobody was. */
export function readState(cells: Cells, at: number): MachineState {
  const kind = BREAKER_STATES[cells.get(at + KIND)] ?? 'closed';
  const common = { generation: cells.get(at + GENERATION), since: cells.getDouble(at + SINCE) };
  switch (kind) {
    case 'closed':
      return { kind, ...common };
    case 'open':
      return { kind, ...common, reopenings: cells.get(at + REOPENINGS), until: cells.getDouble(at + TIME) };
    case 'half_open':
      return {
        kind,
        ...common,
        reopenings: cells.get(at + REOPENINGS),
        good: cells.get(at + GOOD),
        leases: readLeases(cells, at),
        step: cells.get(at + STEP),
        stepSince: cells.getDouble(at + TIME),
        offered: cells.get(at + OFFERED),
        admitted: cells.get(at + ADMITTED),
        executed: cells.get(at + EXECUTED),
        failed: cells.get(at + FAILED),
        slow: cells.get(at + SLOW),
      };
    case 'shadow':
      return { kind, ...common, quietUntil: cells.getDouble(at + TIME) };
    default:
      return { kind, ...common };
  }
}

function writeHalfOpen(cells: Cells, at: number, state: HalfOpen): void {
  cells.setDouble(at + TIME, state.stepSince);
  cells.set(at + REOPENINGS, state.reopenings);
  cells.set(at + GOOD, state.good);
  cells.set(at + STEP, state.step);
  cells.set(at + OFFERED, state.offered);
  cells.set(at + ADMITTED, state.admitted);
  cells.set(at + EXECUTED, state.executed);
  cells.set(at + FAILED, state.failed);
  cells.set(at + SLOW, state.slow);
  let out = 0;
  for (const { id, deadline } of state.leases) {
    out |= 1 << id;
    cells.setDouble(at + DEADLINES + 2 * id, deadline);
  }
  cells.set(at + LEASES, out);
}

function readLeases(cells: Cells, at: number): Lease[] {
  const out = cells.get(at + LEASES);
  const leases: Lease[] = [];
  for (let id = 0; id < MOST_LEASES; id++) {
    if (out & (1 << id)) leases.push({ id, deadline: cells.getDouble(at + DEADLINES + 2 * id) });
  }
  return leases;
}
