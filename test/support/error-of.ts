import { expect } from 'vitest';

/** What a promise is rejected with. The test fails where it is not. */
export function errorOf<Told = Error>(promise: Promise<unknown>): Promise<Told> {
  return promise.then(
    () => expect.unreachable('it should have been rejected'),
    (error) => error as Told,
  );
}
