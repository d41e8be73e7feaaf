import type { Breaker } from '@switchgear/breaker';
import type { OutgoingCall } from './outgoing-call.ts';

/** The breaker of a call; undefined where none guards it. It is asked for each call, so it must be quick. */
export type ChooseBreaker = (call: OutgoingCall) => Breaker | undefined;

/** What guards the calls of a client: one breaker for all of them, or a choice for each. */
export type GuardedBy = Breaker | ChooseBreaker;

export function chooserOf(by: GuardedBy): ChooseBreaker {
  return typeof by === 'function' ? by : () => by;
}
