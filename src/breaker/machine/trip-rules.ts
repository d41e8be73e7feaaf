import type { TransitionReason, TripSettings } from '@switchgear/conventions';
import type { WindowCounts } from '../window/window-counts.ts';

/** Calls that the ramp's step must have judged before it can fail ahead of its end. */
const STEP_EARLY_CALLS = 5;
/** The share of failures that fails a step where no `failureRatio` is set. */
const STEP_FAILURE_RATIO = 0.5;

/** Which rule a failed or slow call meets with the window it stands in; undefined for none. */
export function trippedBy(
  counts: WindowCounts,
  trip: TripSettings,
  { failed, slow }: { readonly failed: boolean; readonly slow: boolean },
): Extract<TransitionReason, 'threshold' | 'consecutive' | 'slow'> | undefined {
  if (failed && isReached(counts.failed, trip.failures)) return 'threshold';
  if (failed && isReached(counts.consecutive, trip.consecutive)) return 'consecutive';
  // A window of so many calls cannot hold more than that.
  if (counts.executed < Math.min(trip.minimumCalls, trip.windowCalls ?? trip.minimumCalls)) return undefined;
  if (failed && isReached(counts.failed / counts.executed, trip.failureRatio)) return 'threshold';
  if (slow && isReached(counts.slow / counts.executed, trip.slowRatio)) return 'slow';
  return undefined;
}

/** What the calls of a step of the ramp say: `unclear` until there are enough of them or the step is over. */
export function judgeStep(
  { executed, failed, slow }: Omit<WindowCounts, 'consecutive'>,
  trip: TripSettings,
  isOver: boolean,
): 'good' | 'bad' | 'unclear' {
  if (executed === 0) return 'unclear';
  if (!isOver && executed < STEP_EARLY_CALLS) return 'unclear';
  const isBad =
    isReached(failed, trip.failures) ||
    isReached(failed / executed, trip.failureRatio ?? STEP_FAILURE_RATIO) ||
    isReached(slow / executed, trip.slowRatio);
  if (isBad) return 'bad';
  return isOver ? 'good' : 'unclear';
}

function isReached(value: number, threshold: number | null): boolean {
  return threshold !== null && value >= threshold;
}
