import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fakeBreaker } from '../support/fake-control-plane.ts';

const FOLDER = new URL('../../src/control-plane/console/', import.meta.url);
// The page's modules are JavaScript with their types in comments, which the last test here has checked.
const model = await import(new URL('model.js', FOLDER).href);
const { EventParser } = await import(new URL('api.js', FOLDER).href);

const ALL = { text: '', state: '' };

function fleetOf(...views: ReturnType<typeof fakeBreaker>[]): Map<string, unknown> {
  const fleet = new Map<string, unknown>();
  model.applyMessage(fleet, 'snapshot', { items: views });
  return fleet;
}

function names(fleet: Map<string, unknown>, filter = ALL): string[] {
  return model
    .rowsOf(fleet, filter)
    .rows.map((view: { service: string; breaker: string }) => `${view.service}/${view.breaker}`);
}

test('broken breakers come first, then by service and breaker', () => {
  const fleet = fleetOf(
    fakeBreaker('b', 'closed'),
    fakeBreaker('a', 'y'),
    fakeBreaker('a', 'x'),
    fakeBreaker('z', 'unknown', { liveness: 'gone' }),
    fakeBreaker('z', 'half', { states: ['half_open'] }),
    fakeBreaker('z', 'held', { states: ['forced_open'] }),
    fakeBreaker('z', 'open', { states: ['closed', 'open'] }),
  );
  expect(names(fleet)).toEqual(['z/open', 'z/held', 'z/half', 'z/unknown', 'a/x', 'a/y', 'b/closed']);
});

test('breakers that only look on by a mode of their own come last, and one that an operator put in shadow does not', () => {
  const byOperator = fakeBreaker('z', 'tried', { states: ['shadow'] });
  const override = {
    mode: 'shadow',
    reason: 'trial',
    actor: 'operator',
    expiresAt: new Date(0).toISOString(),
  } as const;
  const fleet = fleetOf(fakeBreaker('a', 'api.example.com', { states: ['shadow'] }), fakeBreaker('b', 'payments'), {
    ...byOperator,
    override,
  });
  expect(names(fleet)).toEqual(['z/tried', 'b/payments', 'a/api.example.com']);
});

test('a breaker acts where an instance of it decides, and no override holds it', () => {
  const canAct = (...states: NonNullable<Parameters<typeof fakeBreaker>[2]>['states'] & {}) =>
    model.canAct(fakeBreaker('shop', 'payments', { states }));
  expect(canAct('closed')).toBe(true);
  expect(canAct('shadow', 'closed')).toBe(true);
  expect(canAct('shadow', 'disabled')).toBe(false);
  const override = { mode: 'forced_open', reason: 'drill', actor: 'operator', expiresAt: '2026-12-01T06:00:00Z' };
  expect(model.canAct({ ...fakeBreaker('shop', 'payments'), override })).toBe(false);
});

test('a trip in shadow is not told as a trip', () => {
  const trip = (from: string) => ({ event: 'breaker.trip', attributes: { 'breaker.previous_state': from } });
  expect(model.eventWord(trip('closed'))).toBe('trip');
  expect(model.eventWord(trip('shadow'))).toBe('trip in shadow');
  expect(model.eventWord({ event: 'breaker.half_open' })).toBe('half open');
});

test('the audit tells what was laid over a breaker', () => {
  expect(model.changeText({ action: 'config', after: { cooldownMs: 5_000 } })).toBe('{"cooldownMs":5000}');
  expect(model.changeText({ action: 'config', after: null })).toBe('its own settings again');
  const after = { mode: 'shadow', expiresAt: '2026-12-01T06:00:00Z' };
  expect(model.changeText({ action: 'override', after })).toBe('shadow until 2026-12-01T06:00:00Z');
  expect(model.changeText({ action: 'trip', after: { kind: 'trip', generation: 1 } })).toBe('');
});

test('the filter wants every word, in service or breaker, in any case', () => {
  const fleet = fleetOf(fakeBreaker('shop', 'Payments'), fakeBreaker('shop', 'inventory'), fakeBreaker('mail', 'smtp'));
  expect(names(fleet, { text: 'SHOP pay', state: '' })).toEqual(['shop/Payments']);
  expect(names(fleet, { text: 'nothing', state: '' })).toEqual([]);
});

test('the state filter finds breakers that no live instance speaks for', () => {
  const fleet = fleetOf(fakeBreaker('shop', 'payments'), fakeBreaker('shop', 'old', { liveness: 'stale' }));
  expect(names(fleet, { text: '', state: 'unknown' })).toEqual(['shop/old']);
  expect(model.countsByState(fleet)).toMatchObject({ closed: 1, unknown: 1, open: 0 });
});

test('a large fleet is drawn in part, and says how much was found', () => {
  const fleet = fleetOf(...Array.from({ length: model.MAX_ROWS + 5 }, (_, index) => fakeBreaker('shop', `b${index}`)));
  const { rows, found } = model.rowsOf(fleet, ALL);
  expect(rows).toHaveLength(model.MAX_ROWS);
  expect(found).toBe(model.MAX_ROWS + 5);
});

test('a snapshot replaces what was known; updates and removals touch one breaker', () => {
  const fleet = fleetOf(fakeBreaker('shop', 'payments'), fakeBreaker('shop', 'inventory'));
  model.applyMessage(fleet, 'breaker', fakeBreaker('shop', 'payments', { states: ['open'] }));
  model.applyMessage(fleet, 'removed', { service: 'shop', breaker: 'inventory' });
  expect(model.countsByState(fleet)).toMatchObject({ open: 1, closed: 0 });
  model.applyMessage(fleet, 'snapshot', { items: [] });
  expect(fleet.size).toBe(0);
});

test('names that only differ in where the slash stands are two breakers', () => {
  expect(fleetOf(fakeBreaker('a/b', 'c'), fakeBreaker('a', 'b/c')).size).toBe(2);
});

test('the load of wires is their sum, its age the oldest, and nothing held is no share', () => {
  const wire = { name: 'w', depth: 30, capacity: 50, oldestAgeSeconds: 3, dropped: 1, dead: 2 };
  expect(model.wireLoad([wire, { ...wire, depth: 65, oldestAgeSeconds: 9 }])).toMatchObject({
    depth: 95,
    capacity: 100,
    oldestAgeSeconds: 9,
    dropped: 2,
    dead: 4,
    share: 0.95,
    level: 'full',
  });
  expect(model.wireLoad([]).share).toBeNull();
});

test('a change is done only when every live instance has applied it', () => {
  const at = (delivery: object, live = 3) => ({
    ...fakeBreaker('s', 'b'),
    delivery,
    instances: { live, stale: 0, gone: 0 },
  });
  expect(model.progressOf(at({ revision: 6, applied: 3, failed: 0, pending: 0 }), 7).kind).toBe('waiting');
  expect(model.progressOf(at({ revision: 7, applied: 2, failed: 0, pending: 1 }), 7)).toEqual({
    kind: 'waiting',
    text: 'Applied on 2 of 3 live instances…',
  });
  expect(model.progressOf(at({ revision: 8, applied: 3, failed: 0, pending: 0 }), 7).kind).toBe('done');
  expect(model.progressOf(at({ revision: 7, applied: 2, failed: 1, pending: 0 }), 7).kind).toBe('failed');
  expect(model.progressOf(at({ revision: 7, applied: 0, failed: 0, pending: 0 }, 0), 7).kind).toBe('nobody');
  expect(model.progressOf(undefined, 7).kind).toBe('nobody');
});

test('of many instances those that need eyes are shown, and how many there are', () => {
  const breaker = fakeBreaker('shop', 'payments', {
    states: Array.from({ length: model.MAX_INSTANCES + 20 }, (_, index) => (index === 110 ? 'open' : 'closed')),
  });
  const byInstance = breaker.byInstance.map((instance, index) => ({
    ...instance,
    liveness: index === 0 ? 'gone' : index === 1 ? 'stale' : 'live',
    applied: { revision: 4, status: index === 119 ? 'failed' : 'applied' },
  }));
  const delivery = { revision: 4, applied: 117, failed: 1, pending: 0 };
  const { rows, found } = model.instancesOf({ ...breaker, byInstance, delivery });
  expect(found).toBe(model.MAX_INSTANCES + 20);
  expect(rows).toHaveLength(model.MAX_INSTANCES);
  expect(rows.slice(0, 2).map(({ instance }: { instance: string }) => instance)).toEqual(['shop-120', 'shop-111']);
  expect(rows.every(({ liveness }: { liveness: string }) => liveness === 'live')).toBe(true);
});

test('what became of the desired state is told for each instance', () => {
  const at = (applied: object | null, liveness = 'live') => ({ applied, liveness });
  const told = (instance: object, revision: number) => model.appliedText(instance, revision).text;
  expect(told(at(null), 0)).toBe('–');
  expect(told(at(null), 3)).toBe('revision 3 pending');
  expect(told(at({ revision: 2, status: 'applied' }), 3)).toBe('revision 3 pending');
  expect(told(at({ revision: 3, status: 'applied' }), 3)).toBe('revision 3 applied');
  expect(told(at(null, 'gone'), 3)).toBe('revision 3 not taken');
  expect(model.appliedText(at({ revision: 3, status: 'failed', error: 'no' }), 3)).toEqual({
    text: 'revision 3 failed',
    error: 'no',
    level: 'bad',
  });
});

test('history is bounded and tells nothing twice', () => {
  const history: { id: number }[] = [];
  for (let id = 0; id < model.MAX_HISTORY + 10; id += 1) model.remember(history, { id });
  expect(model.remember(history, { id: model.MAX_HISTORY + 9 })).toBe(false);
  expect(history).toHaveLength(model.MAX_HISTORY);
  expect(history[0]).toEqual({ id: model.MAX_HISTORY + 9 });
});

test('earlier entries are put where their time says, and none is told twice', () => {
  const at = (id: number) => ({ id, at: new Date(id).toISOString() });
  const history = [at(50)];
  model.remind(history, [at(10), at(60), at(50), at(10)]);
  expect(history).toEqual([at(60), at(50), at(10)]);
  model.remind(
    history,
    Array.from({ length: model.MAX_HISTORY }, (_, index) => at(40 - index)),
  );
  expect(history).toHaveLength(model.MAX_HISTORY);
  expect(history.slice(0, 3)).toEqual([at(60), at(50), at(40)]);
});

test('of several histories the newest are shown, as many as one holds', () => {
  const at = (ms: number) => ({ id: ms, at: new Date(ms).toISOString() });
  const even = Array.from({ length: model.MAX_HISTORY }, (_, index) => at(1_000 - index * 2));
  const odd = Array.from({ length: model.MAX_HISTORY }, (_, index) => at(999 - index * 2));
  const shown: { id: number }[] = model.newest(even, odd);
  expect(shown.map(({ id }) => id)).toEqual(Array.from({ length: model.MAX_HISTORY }, (_, index) => 1_000 - index));
});

test('counts and times stay short', () => {
  expect([999, 9_999, 12_345, 999_960, 4_500_000].map(model.shortCount)).toEqual([
    '999',
    '9999',
    '12.3k',
    '1.0M',
    '4.5M',
  ]);
  expect([-5, 12_000, 240_000, 10_800_000, 200_000_000].map(model.shortSpan)).toEqual(['0s', '12s', '4m', '3h', '2d']);
});

test('stream events are read whole however the bytes are cut', () => {
  const text = ': heartbeat\r\n\r\nid: 4\r\nevent: breaker\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: x\n\ndata: y\n\n';
  const expected = [
    { event: 'breaker', data: '{"a":\n1}' },
    { event: 'message', data: 'y' },
  ];
  for (const size of [1, 2, 7, text.length]) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
    expect(found).toEqual(expected);
  }
});

test("the types in the page's comments hold", () => {
  const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
  expect(execFileSync(process.execPath, [tsc, '-p', fileURLToPath(FOLDER)], { encoding: 'utf8' })).toBe('');
});
