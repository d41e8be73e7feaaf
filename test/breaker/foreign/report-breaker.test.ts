import { context, diag, trace } from '@opentelemetry/api';
import { ATTR, BREAKER_STATES, CALL_OUTCOMES, METRICS } from '@switchgear/conventions';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  allBreakers,
  allReportedBreakers,
  breakerMetricProducer,
  createBreaker,
  findBreaker,
  type ReportedBreaker,
  reportBreaker,
} from '../../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../../src/breaker/testing.ts';
import { msOf, registerContext, registerSdk } from '../telemetry/sdk.ts';
import { HandSwitch } from './hand-switch.ts';

let sdk: ReturnType<typeof registerSdk>;
let source: HandSwitch;
let clock: ManualClock;
let breaker: ReportedBreaker;

beforeAll(() => {
  registerContext();
  sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });
});
beforeEach(() => {
  source = new HandSwitch();
  clock = new ManualClock();
  breaker = reportBreaker('turbine', source, { clock });
});
afterEach(async () => {
  for (const reported of allReportedBreakers()) await reported.close();
  sdk.forget();
  diag.disable();
});

/** The values of a metric by the value of one of its attributes. */
async function valuesOf(key: keyof typeof METRICS, attribute: string = ATTR.name): Promise<Record<string, unknown>> {
  const metric = (await sdk.metricsOf('turbine')).find(({ descriptor }) => descriptor.name === METRICS[key].name);
  return Object.fromEntries(metric?.dataPoints.map(({ attributes, value }) => [attributes[attribute], value]) ?? []);
}

const inAnHour = () => new Date(clock.wallMs() + 3_600_000).toISOString();
const held = (mode: 'forced_open' | 'disabled' | 'shadow') =>
  ({ mode, reason: 'release 7', actor: 'ada', expiresAt: inAnHour() }) as const;

describe('the numbers of a breaker of another library', () => {
  test('every outcome has its counter, and those that were executed their durations', async () => {
    const report = source.report!;
    report.succeeded(50);
    report.succeeded(150);
    report.failed(new Error('unwell'), 20);
    report.timedOut(new Error('late'), 1_000);
    report.ignored();
    report.cancelled();
    report.rejected();
    report.limited();
    report.diverted('standby');
    report.served('standby');
    expect(await valuesOf('calls', ATTR.outcome)).toEqual(
      Object.fromEntries(CALL_OUTCOMES.map((outcome) => [outcome, outcome === 'success' ? 2 : 1])),
    );
    const durations = await valuesOf('callDuration', ATTR.outcome);
    expect(durations).toMatchObject({
      success: { count: 2, sum: 0.2 },
      failure: { count: 1, sum: 0.02 },
      timeout: { count: 1, sum: 1 },
    });
    expect(await valuesOf('slowCalls')).toEqual({ turbine: 2 });
    expect(await valuesOf('wireCalls', ATTR.wireOutcome)).toEqual({ served: 2, buffered: 0, failed: 0 });
    expect(await valuesOf('failureRatio')).toEqual({ turbine: 0.5 });
    expect(await valuesOf('thresholdRatio')).toEqual({ turbine: 0.4 });
  });

  test('its calls in flight and its state are asked for as they are read', async () => {
    source.active = 3;
    source.now = 'open';
    expect(await valuesOf('activeCalls')).toEqual({ turbine: 3 });
    expect(await valuesOf('status', ATTR.state)).toEqual(
      Object.fromEntries(BREAKER_STATES.map((state) => [state, state === 'open' ? 1 : 0])),
    );
    source.active = Number.NaN;
    expect(await valuesOf('activeCalls')).toEqual({ turbine: 0 });
  });

  test('the window is its own length of time, and begins anew as it closes', async () => {
    source.report!.failed(new Error('unwell'), 1);
    expect(await valuesOf('failureRatio')).toEqual({ turbine: 1 });
    await clock.advance(5_001);
    expect(await valuesOf('failureRatio')).toEqual({ turbine: 0 });
    source.report!.failed(new Error('unwell'), 1);
    source.enter('open');
    source.enter('closed');
    expect(await valuesOf('failureRatio')).toEqual({ turbine: 0 });
  });

  test('a duration that was not measured is 0, and spoils no sum', async () => {
    for (const duration of [Number.NaN, -5, Number.POSITIVE_INFINITY]) source.report!.succeeded(duration);
    expect(await valuesOf('callDuration', ATTR.outcome)).toMatchObject({ success: { count: 3, sum: 0 } });
  });

  test('wires that are told of later are added, up to 16', () => {
    for (let wire = 0; wire < 20; wire++) source.report!.served(`wire-${wire}`);
    expect(breaker.neutralWires).toHaveLength(16);
    expect(breaker.neutralWires.at(0)).toEqual({ name: 'standby', kind: 'fallback' });
    expect(breaker.stats().wires.filter(({ served }) => served === 1)).toHaveLength(15);
  });
});

describe('its states', () => {
  test('a trip, the probes and the reset are counted, told and traced as those of an own breaker', async () => {
    const error = new Error('unwell');
    await clock.advance(1_000);
    source.report!.failed(error, 100, { tripped: true });
    source.enter('open');
    source.report!.rejected();
    source.report!.diverted('standby');
    await clock.advance(2_000);
    source.enter('half_open');
    source.report!.succeeded(5);
    source.enter('closed');
    expect(breaker.generation).toBe(4);
    expect(breaker.stats().transitions.filter(({ count }) => count > 0)).toEqual([
      { state: 'open', reason: 'threshold', count: 1 },
      { state: 'half_open', reason: 'cooldown', count: 1 },
      { state: 'closed', reason: 'probes_passed', count: 1 },
    ]);
    const spans = sdk.spans().filter(({ attributes }) => attributes[ATTR.name] === 'turbine');
    expect(spans.map(({ name }) => name)).toEqual([
      'breaker.call turbine',
      'breaker.trip turbine',
      'breaker.neutral_wire standby',
      'breaker.reset turbine',
    ]);
    const [call, trip, , reset] = spans;
    expect(call!.attributes).toMatchObject({ [ATTR.tripped]: true, [ATTR.outcome]: 'failure', [ATTR.state]: 'closed' });
    expect(msOf(call!.endTime) - msOf(call!.startTime)).toBe(100);
    expect(trip!.links.map(({ context: linked }) => linked.spanId)).toEqual([call!.spanContext().spanId]);
    expect(trip!.attributes).toMatchObject({
      [ATTR.failureRatio]: 1,
      [ATTR.windowCalls]: 1,
      [ATTR.cooldownSeconds]: 2,
    });
    expect(reset!.links.map(({ context: linked }) => linked.spanId)).toEqual([trip!.spanContext().spanId]);
    expect(reset!.attributes).toMatchObject({
      [ATTR.openDurationSeconds]: 2,
      [ATTR.divertedCalls]: 1,
      [ATTR.rejectedCalls]: 1,
    });
    expect(sdk.events().map(({ eventName }) => eventName)).toEqual([
      'breaker.call.exception',
      'breaker.trip',
      'breaker.call.rejected',
      'breaker.half_open',
      'breaker.reset',
    ]);
  });

  test('the failed call is a child of its caller’s span, and the trip is not', () => {
    const tracer = trace.getTracer('caller');
    const parent = tracer.startSpan('caller');
    context.with(trace.setSpan(context.active(), parent), () => {
      source.report!.failed(new Error('unwell'), 5);
      source.enter('open');
    });
    const spans = sdk.spans();
    expect(spans[0]?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(spans[1]).toMatchObject({ name: 'breaker.trip turbine' });
    expect(spans[1]?.parentSpanContext).toBeUndefined();
  });

  test('a change that the library never told of is found when somebody looks', () => {
    const heard: unknown[] = [];
    breaker.onTransition((transition) => heard.push(transition));
    source.now = 'disabled';
    expect(breaker.state).toBe('disabled');
    expect(heard).toEqual([{ from: 'closed', to: 'disabled', reason: 'operator', note: undefined }]);
  });

  test('a state that it is in already, or that is none, is no news', () => {
    source.report!.state('closed');
    source.report!.state('ajar' as 'closed');
    expect(breaker.generation).toBe(1);
  });

  test('a reason that has no counter gives way to the usual one', () => {
    source.now = 'half_open';
    source.report!.state('half_open', 'fleet', 'by hand');
    expect(breaker.stats().transitions.find(({ state }) => state === 'half_open')).toMatchObject({
      reason: 'cooldown',
      count: 1,
    });
  });

  test('one that is open already is reported as open, and its reset tells how long', async () => {
    source = new HandSwitch();
    source.now = 'open';
    const observer = new RecordingObserver();
    const opened = reportBreaker('dam', source, { clock, telemetry: observer });
    expect([opened.state, opened.generation]).toEqual(['open', 1]);
    await clock.advance(700);
    source.enter('closed');
    expect(observer.of('transitioned')).toMatchObject([{ from: 'open', to: 'closed', openMs: 700 }]);
  });

  test('a call that began before a trip tells the state that it began in, and is no cause of the next', async () => {
    const observer = new RecordingObserver();
    source = new HandSwitch();
    reportBreaker('dam', source, { clock, telemetry: observer });
    await clock.advance(1_000);
    source.enter('open');
    await clock.advance(10);
    source.report!.failed(new Error('late'), 500);
    expect(observer.of('failed')).toMatchObject([{ stateAtStart: 'closed', counted: false, tripped: false }]);
  });

  test('a probe that seems to have begun before half-open, since its library rounds, began in half-open', async () => {
    const observer = new RecordingObserver();
    source = new HandSwitch();
    reportBreaker('dam', source, { clock, telemetry: observer });
    await clock.advance(1_000);
    source.enter('open');
    await clock.advance(2_000);
    source.enter('half_open');
    await clock.advance(4.5);
    source.report!.failed(new Error('unwell'), 5);
    expect(observer.of('failed')).toMatchObject([{ stateAtStart: 'half_open', counted: true }]);
  });

  test('a bridge that cannot tell its state leaves the last one, and diag hears of it', () => {
    const errors: string[] = [];
    const silent = () => {};
    const logger = { error: (...told: unknown[]) => errors.push(told.join(' ')), warn: silent, info: silent };
    diag.setLogger({ ...logger, debug: silent, verbose: silent });
    source.state = () => {
      throw new Error('gone');
    };
    expect(breaker.state).toBe('closed');
    expect(errors[0]).toContain('The bridge to breaker "turbine" could not tell its state');
  });
});

describe('steering it', () => {
  test('trip and reset go to the library, are told with their reason, and do nothing where there is nothing to do', () => {
    expect(breaker.reset()).toBe(false);
    expect(breaker.trip({ reason: 'drill' })).toBe(true);
    expect(breaker.trip()).toBe(false);
    expect(breaker.act('reset', 'ada: done')).toBe(true);
    expect(source.asked).toEqual(['trip', 'reset']);
    expect(breaker.stats().transitions.filter(({ count }) => count > 0)).toEqual([
      { state: 'open', reason: 'operator', count: 1 },
      { state: 'closed', reason: 'desired_state', count: 1 },
    ]);
  });

  test('an override is held, replaced in one change, and let go by itself when it expires', async () => {
    const heard: string[] = [];
    breaker.onTransition(({ from, to, reason }) => heard.push(`${from} to ${to}: ${reason}`));
    breaker.holdIn(held('forced_open'), { reason: 'desired_state', revision: 4 });
    expect([breaker.state, breaker.override?.actor, breaker.overrideSource]).toEqual([
      'forced_open',
      'ada',
      'desired_state',
    ]);
    breaker.holdIn(held('disabled'), { reason: 'desired_state', revision: 5 });
    await clock.advance(3_600_000);
    expect(breaker.override).toBeUndefined();
    expect(source.asked).toEqual(['hold forced_open', 'let go of forced_open', 'hold disabled', 'let go of disabled']);
    expect(heard).toEqual([
      'closed to forced_open: desired_state',
      'forced_open to disabled: desired_state',
      'disabled to closed: desired_state',
    ]);
    expect(sdk.events().filter(({ eventName }) => eventName === 'breaker.override')).toHaveLength(2);
  });

  test('another reason or expiry for the same mode leaves it held', () => {
    breaker.holdIn(held('forced_open'));
    breaker.holdIn({ ...held('forced_open'), reason: 'release 8' });
    expect(breaker.override?.reason).toBe('release 8');
    expect(source.asked).toEqual(['hold forced_open']);
    breaker.release();
    expect(source.asked).toEqual(['hold forced_open', 'let go of forced_open']);
  });

  test('let go of while it stays open, it has not tripped', async () => {
    breaker.holdIn(held('forced_open'));
    sdk.forget();
    expect(breaker.release()).toBe(true);
    expect(breaker.release()).toBe(false);
    expect(breaker.state).toBe('open');
    expect([sdk.events(), sdk.spans()]).toEqual([[], []]);
    const opened = breaker.stats().transitions.filter(({ state, count }) => state === 'open' && count > 0);
    expect(opened).toEqual([]);
  });

  test('what its library has no way to is refused with the reason, and changes nothing', () => {
    const bare = reportBreaker('bare', { state: () => 'closed', attach: () => () => {} });
    const refused = (field: string) => expect.objectContaining({ problems: [expect.objectContaining({ field })] });
    expect(() => bare.trip()).toThrow(refused('trip'));
    expect(() => bare.act('reset', 'ada: done')).toThrow(refused('reset'));
    expect(() => bare.holdIn(held('forced_open'))).toThrow(refused('mode'));
    expect(() => breaker.holdIn(held('shadow'))).toThrow(
      '`mode` must be forced_open or disabled: the library of this breaker has no way to hold it in another, got "shadow"',
    );
    expect(() => breaker.configure({ cooldownMs: 5 })).toThrow(refused('config'));
    expect(() => breaker.configure(undefined)).not.toThrow();
    expect([bare.override, breaker.override, breaker.state]).toEqual([undefined, undefined, 'closed']);
  });

  test('an override that breaks a rule, has run out, or that the library fails at does not stand', () => {
    const past = { ...held('disabled'), expiresAt: '2020-01-01T00:00:00Z' };
    expect(() => breaker.holdIn(past)).toThrow('must be in the future');
    expect(() => breaker.holdIn({ ...held('disabled'), actor: '' })).toThrow('actor');
    source.holds.disabled = () => {
      throw new Error('stuck');
    };
    expect(() => breaker.holdIn(held('disabled'))).toThrow('stuck');
    expect(breaker.override).toBeUndefined();
  });
});

describe('its place in the process', () => {
  test('its name is its own among all breakers, and free again once it is closed', async () => {
    expect(() => createBreaker('turbine')).toThrow('must be unique in the process');
    expect(() => reportBreaker('turbine', new HandSwitch())).toThrow('must be unique in the process');
    expect(allReportedBreakers()).toEqual([breaker]);
    expect([findBreaker('turbine'), allBreakers()]).toEqual([undefined, []]);
    await breaker.close();
    await createBreaker('turbine').close();
  });

  test('closed, it is let go of, hears nothing more and has no series', async () => {
    breaker.holdIn(held('forced_open'));
    await breaker.close();
    await breaker.close();
    expect(source.asked).toEqual(['hold forced_open', 'detach', 'let go of forced_open']);
    source.report!.rejected();
    source.enter('half_open');
    expect([breaker.stats().calls.rejected, breaker.generation]).toEqual([0, 2]);
    expect(await sdk.metricsOf('turbine')).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('the last look comes before its numbers end', async () => {
    let seen: unknown;
    const lastLook = async () => {
      seen = await valuesOf('activeCalls');
    };
    await breaker.close({ lastLook });
    expect(seen).toEqual({ turbine: 0 });
  });

  test.each([
    ['a name that breaks its rule', ' turbine', {}, 'name'],
    ['what is no breaker', 'dam', { state: 'closed' }, 'source'],
    ['settings out of their range', 'dam', { settings: { cooldownMs: 0 } }, 'source.settings.cooldownMs'],
    ['too many wires', 'dam', { wires: Array(17).fill({ name: 'w', kind: 'fallback' }) }, 'source.wires'],
    ['a wire without a kind', 'dam', { wires: [{ name: 'w' }] }, 'source.wires[0].kind'],
  ])('%s is refused', (_, name, parts, field) => {
    const foreign = { state: () => 'closed' as const, attach: () => () => {}, ...parts } as never;
    expect(() => reportBreaker(name, foreign)).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining({ field })] }),
    );
    expect(allReportedBreakers()).toEqual([breaker]);
  });

  test('an option that is unknown is refused', () => {
    expect(() => reportBreaker('dam', source, { calls: 'all' } as never)).toThrow('options.calls');
  });
});
