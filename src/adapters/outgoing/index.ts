export { type ChooseBreaker, chooserOf, type GuardedBy } from './guarded-by.ts';
export type { OutgoingCall } from './outgoing-call.ts';
export { isUnguarded, unguarded } from './unguarded.ts';
