/** For those who write a spool: its port, and how an input is kept. */
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
