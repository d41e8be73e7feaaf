import type { GrpcStatusName } from '@switchgear/conventions';

/** Codes by which a call is judged. A call is met by a list where one of its codes stands in it. */
export interface OutcomeCodes {
  /** HTTP statuses from 100 to 599: `503`, `'503'`, a class such as `'5xx'`, a range such as `'500-504'`. */
  readonly statuses?: readonly (number | string)[];
  /**
   * Codes and names of errors: `'ECONNRESET'`; a beginning with `*` such as `'UND_ERR_*'`; an SQLSTATE or a class of them, `'08*'`;
   * the first word of Redis' answer, `'LOADING'`; a class of your own, `'ValidationError'`. `'*'` alone stands for every error that is
   * no answer of the other side: what has no HTTP status, gRPC status, SQLSTATE or reply of Redis to show.
   */
  readonly errors?: readonly string[];
  /** gRPC statuses, by name or number: `'UNAVAILABLE'` or `14`. */
  readonly grpc?: readonly (GrpcStatusName | number | 'default')[];
}

/** In a list: the codes of the default's list. */
export const DEFAULT_CODES = 'default';
