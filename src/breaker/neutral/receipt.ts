const RECEIPT = Symbol.for('switchgear.receipt');

/** What a caller gets whose call a buffer wire took: it will be replayed once the breaker is closed again. */
export interface Receipt {
  readonly [RECEIPT]: true;
  /** Unique in the process. */
  readonly id: string;
  readonly breaker: string;
  readonly wire: string;
}

export function createReceipt(id: string, breaker: string, wire: string): Receipt {
  return Object.freeze({ [RECEIPT]: true as const, id, breaker, wire });
}

/** Tells a receipt from the protected function's own result. */
export function isReceipt(value: unknown): value is Receipt {
  return typeof value === 'object' && value !== null && (value as Partial<Receipt>)[RECEIPT] === true;
}
