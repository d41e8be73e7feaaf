/** One breaker on the path that a case measures. */
export interface Contender {
  readonly name: string;
  /** One call, as its user makes it. */
  readonly call: () => Promise<unknown>;
  /** What every call must resolve to: one that does not take the path a case is named for measures nothing. */
  readonly answer: unknown;
  /** Throws unless the breaker itself has seen so many calls on that path. */
  readonly check?: (calls: number) => void;
}

/** The answer of a call that was turned away as it should be. */
export const REJECTED = 'rejected';

/** Resolves to `REJECTED` where the call was turned away by its breaker; throws where it was not. */
export function expectRejection(call: Promise<unknown>, isOurs: (error: unknown) => boolean): Promise<unknown> {
  return call.then(unexpected, (error: unknown) => (isOurs(error) ? REJECTED : unexpected()));
}

/** Whether an error carries a code. */
export function hasCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown }).code === code;
}

/** For `Contender.check`. */
export function expectCount(what: string, counted: number, calls: number): void {
  if (counted !== calls) throw new Error(`${what} counted ${counted} of ${calls} calls on the path measured`);
}

function unexpected(): never {
  throw new Error('a call did not take the path that this case measures');
}
