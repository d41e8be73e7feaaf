import type { Attributes } from '@opentelemetry/api';
import { ATTR, EVENTS, type EventKey } from '@switchgear/conventions';
import { beforeEach, describe, expect, test } from 'vitest';
import type { FailedCall, TransitionRecord } from '../../../src/breaker/telemetry/observer.ts';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { HandmadeReadings, NOW } from './readings.ts';
import { msOf, registerSdk } from './sdk.ts';

const sdk = registerSdk();
const observer = otelObserver();
let breaker: HandmadeReadings;

beforeEach(() => {
  breaker = new HandmadeReadings('payments');
  sdk.forget();
});

function fail(call: Partial<FailedCall> = {}): void {
  observer.failed(breaker, {
    outcome: 'failure',
    error: new Error('refused'),
    stateAtStart: 'closed',
    startedAt: NOW - 20,
    endedAt: NOW,
    tripped: false,
    counted: true,
    ...call,
  });
}

function change(record: Partial<TransitionRecord>): void {
  observer.transitioned(breaker, {
    from: 'closed',
    to: 'open',
    reason: 'threshold',
    at: NOW,
    generation: 1,
    note: undefined,
    window: { executed: 0, failed: 0, slow: 0, consecutive: 0 },
    cooldownMs: 1_000,
    openMs: undefined,
    meanwhile: undefined,
    ...record,
  });
}

const attributesOf = (key: EventKey): Attributes[] =>
  sdk
    .events()
    .filter(({ eventName }) => eventName === EVENTS[key].name)
    .map(({ attributes }) => attributes as Attributes);
const spansNamed = (name: string) => sdk.spans().filter((span) => span.name === name);

describe('a result that was judged a failure', () => {
  test('has no exception, and an error of no type of its own', () => {
    fail({ error: undefined });
    const [event] = attributesOf('callException');
    expect(event).toEqual({
      [ATTR.name]: 'payments',
      [ATTR.outcome]: 'failure',
      [ATTR.state]: 'closed',
      [ATTR.errorType]: '_OTHER',
    });
    expect(spansNamed('breaker.call payments')[0]?.attributes[ATTR.errorType]).toBe('_OTHER');
  });
});

describe('a trip', () => {
  test.each(['threshold', 'slow', 'consecutive'] as const)('by %s says so, in shadow too', (reason) => {
    change({ reason });
    change({ from: 'shadow', to: 'shadow', reason });
    expect(attributesOf('trip').map((attributes) => attributes[ATTR.reason])).toEqual([reason, reason]);
    expect(spansNamed('breaker.trip payments').map(({ attributes }) => attributes[ATTR.reason])).toEqual([reason]);
  });

  const failAt = (...ages: number[]) => {
    for (const age of ages) fail({ startedAt: NOW - age - 20, endedAt: NOW - age });
  };
  const startOfTrip = () => NOW - msOf(spansNamed('breaker.trip payments')[0]!.startTime);
  const linksOfTrip = () => spansNamed('breaker.trip payments')[0]?.links.length;

  test('begins with the first failure in a window of time', () => {
    failAt(60_000, 9_000, 500, 0);
    change({ window: { executed: 6, failed: 3, slow: 0, consecutive: 1 } });
    expect([startOfTrip(), linksOfTrip()]).toEqual([9_020, 3]);
  });

  test('begins with the first failure in a window of calls, whatever its age', () => {
    breaker.settings = { ...breaker.settings, trip: { ...breaker.settings.trip, windowCalls: 10 } };
    failAt(90_000, 60_000, 500, 0);
    change({ window: { executed: 10, failed: 3, slow: 0, consecutive: 1 } });
    expect([startOfTrip(), linksOfTrip()]).toEqual([60_020, 3]);
  });

  test('begins with the first failure of those in a row, whatever its age', () => {
    failAt(90_000, 60_000, 30_000, 0);
    change({ reason: 'consecutive', window: { executed: 1, failed: 1, slow: 0, consecutive: 3 } });
    expect([startOfTrip(), linksOfTrip()]).toEqual([60_020, 3]);
  });

  test('out of half-open begins with the failed probe', () => {
    failAt(20);
    change({});
    sdk.forget();
    failAt(0);
    change({ from: 'half_open', reason: 'probe_failed' });
    expect([startOfTrip(), linksOfTrip()]).toEqual([20, 1]);
  });

  test('by an operator with no failure has no time and no links', () => {
    change({ reason: 'operator' });
    expect([startOfTrip(), linksOfTrip()]).toEqual([0, 0]);
  });
});
