/** For those who write a spool: its port, how an input is kept, and how background work leaves a request's context. */
export {
  type DeadLetter,
  type Spool,
  type SpoolEnd,
  SpoolError,
  type SpooledCall,
  type SpoolLoad,
  type SpoolOpening,
  type SpoolTotals,
} from './neutral/spool/spool.ts';
export { restoreInput, type StoredInput, storeInput } from './neutral/spool/stored-input.ts';
export { outside } from './outside.ts';
