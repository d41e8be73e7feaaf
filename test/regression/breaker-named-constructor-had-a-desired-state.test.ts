import { EMPTY_DESIRED_STATE } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { DesiredBreakers } from '../../src/breaker/control/desired-breakers.ts';
import { createBreaker } from '../../src/breaker/index.ts';

/** The document was asked for `constructor` and answered with what every object has: applied, at no revision. */
test('a breaker named like what every object has reports nothing as applied', async () => {
  const desired = new DesiredBreakers();
  for (const name of ['constructor', '__proto__']) {
    const breaker = createBreaker(name, { telemetry: 'off' });
    expect(desired.accept(EMPTY_DESIRED_STATE, [breaker])).toEqual([]);
    expect(desired.applied(name)).toBeUndefined();
    await breaker.close();
  }
});
