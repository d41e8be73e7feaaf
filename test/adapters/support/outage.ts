import { ATTR } from '@switchgear/conventions';
import { expect } from 'vitest';
import type { registerSdk } from '../../breaker/telemetry/sdk.ts';

/**
 * Expects what is told of an outage of two seconds on breaker `stock`: two failures that trip it, a call that it rejects, a probe that fails
 * and one that is good.
 */
export function expectOutageTold(sdk: ReturnType<typeof registerSdk>): void {
  expect(sdk.spans().map(({ name, attributes }) => [name, attributes[ATTR.tripped]])).toEqual([
    ['breaker.call stock', false],
    ['breaker.call stock', true],
    ['breaker.trip stock', true],
    ['breaker.call stock', true],
    ['breaker.trip stock', true],
    ['breaker.reset stock', undefined],
  ]);
  expect(sdk.spans()[5]!.attributes).toMatchObject({ [ATTR.openDurationSeconds]: 2, [ATTR.rejectedCalls]: 1 });
  expect(sdk.events().map(({ eventName }) => eventName)).toEqual([
    'breaker.call.exception',
    'breaker.call.exception',
    'breaker.trip',
    'breaker.call.rejected',
    'breaker.half_open',
    'breaker.call.exception',
    'breaker.trip',
    'breaker.half_open',
    'breaker.reset',
  ]);
}
