import { createBreaker } from '@switchgear/breaker';
import { type Contender, expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { ANSWER, answer } from '../peers.ts';
import { timeSideBySide } from '../side-by-side.ts';
import { switchgear } from './closed.ts';

/** Calls that go through a breaker whose numbers worker threads can reach. */
export async function shared(): Promise<Measurement[]> {
  const contenders = [sharedSwitchgear(), switchgear('not shared')];
  return [await timeSideBySide('shared', 'closed path, shared with worker threads', contenders)];
}

export function sharedSwitchgear(): Contender {
  const breaker = createBreaker('bench shared');
  breaker.share();
  return {
    name: 'switchgear',
    call: () => breaker.execute(answer),
    answer: ANSWER,
    check: (calls) => expectCount('switchgear', breaker.stats().calls.success, calls),
  };
}
