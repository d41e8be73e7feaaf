import { METRICS, type TimedOutcome } from '@switchgear/conventions';
import type { Cells } from './cells.ts';
import { DURATION_BUCKETS, durationsCell, findDurations } from './layout.ts';

const BOUNDS_MS = METRICS.callDuration.bounds.map((seconds) => seconds * 1_000);
const MOST_BOUNDS = BOUNDS_MS.length;
const SUM = 2 * DURATION_BUCKETS;

/** Counts an executed call in the histogram of its outcome. */
export function recordDuration(cells: Cells, outcome: TimedOutcome, durationMs: number): void {
  let bucket = 0;
  // Most calls are quick, so they are sought from below; a bucket holds what is at most its bound.
  while (bucket < MOST_BOUNDS && durationMs > BOUNDS_MS[bucket]!) bucket++;
  const at = durationsCell(cells, outcome);
  cells.increment(at + 2 * bucket);
  cells.addWide(at + SUM, durationMs > 0 ? Math.floor(durationMs * 1e6) : 0);
}

/** Calls of an outcome: all that its histogram holds. */
export function durationCount(cells: Cells, outcome: TimedOutcome): number {
  const at = findDurations(cells, outcome);
  if (at === undefined) return 0;
  let count = 0;
  for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) count += cells.getWide(at + 2 * bucket);
  return count;
}

/** Counts per bucket, and the sum in seconds. */
export function readDurations(cells: Cells, outcome: TimedOutcome): { counts: number[]; sum: number } {
  const at = findDurations(cells, outcome);
  if (at === undefined) return { counts: new Array<number>(DURATION_BUCKETS).fill(0), sum: 0 };
  const counts: number[] = [];
  for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) counts.push(cells.getWide(at + 2 * bucket));
  return { counts, sum: cells.getWide(at + SUM) / 1e9 };
}
