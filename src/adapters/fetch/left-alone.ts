import { AsyncLocalStorage } from 'node:async_hooks';
import type { GuardedBy } from '../outgoing/guarded-by.ts';

/** A call that a guard has left alone, and what was left alone around it. */
interface Mark {
  readonly by: GuardedBy;
  readonly around: Mark | undefined;
  isOver: boolean;
}

const marks = new AsyncLocalStorage<Mark>();

/**
 * Whether a call made here is one that this guard was asked for already and left alone: a `fetch` comes to a dispatcher, which
 * hands it on to others, and to each it looks like a call of its own.
 */
export function isLeftAloneBy(by: GuardedBy): boolean {
  for (let mark = underWay(marks.getStore()); mark; mark = underWay(mark.around)) {
    if (mark.by === by) return true;
  }
  return false;
}

/** Runs what makes the call. The mark ends with it: a connection that is opened there would take it along. */
export function leaveAlone<T>(by: GuardedBy, run: () => T): T {
  const mark: Mark = { by, around: underWay(marks.getStore()), isOver: false };
  try {
    return marks.run(mark, run);
  } finally {
    mark.isOver = true;
  }
}

/** The same until the promise settles. */
export async function leaveAloneUntilSettled<T>(by: GuardedBy, run: () => Promise<T>): Promise<T> {
  const mark: Mark = { by, around: underWay(marks.getStore()), isOver: false };
  try {
    return await marks.run(mark, run);
  } finally {
    mark.isOver = true;
  }
}

function underWay(mark: Mark | undefined): Mark | undefined {
  let at = mark;
  while (at?.isOver) at = at.around;
  return at;
}
