import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  applySettings,
  type BreakerSettings,
  DEFAULT_SETTINGS,
  SETTINGS_LIMITS,
  type SettingsPatch,
} from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { type FakeControlPlane, fakeBreaker, startFakeControlPlane } from '../support/fake-control-plane.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
let controlPlane: FakeControlPlane;

beforeEach(async () => {
  controlPlane = await startFakeControlPlane();
  controlPlane.put(
    fakeBreaker('shop', 'payments', {
      states: ['open', 'closed'],
      calls: { failure: 7, diverted: 40 },
      wires: [{ name: 'buffer', depth: 90, capacity: 100 }],
      lastSeenAt: '2026-05-01T11:59:50Z',
    }),
  );
  controlPlane.put(fakeBreaker('prod/mail', 'smtp out'));
});
afterEach(() => controlPlane.close());

interface Options {
  readonly env?: Record<string, string | undefined>;
  readonly isTerminal?: boolean;
  readonly stop?: AbortSignal;
  readonly onOut?: (all: string) => void;
  readonly onSleep?: () => void;
}

/** Runs a command line on a clock that only sleeping moves. */
async function cli(line: readonly string[], options: Options = {}) {
  let out = '';
  let error = '';
  let now = NOW;
  const code = await run(line, {
    out: (text) => {
      out += text;
      options.onOut?.(out);
    },
    error: (text) => {
      error += text;
    },
    env: { SWITCHGEAR_URL: controlPlane.url, SWITCHGEAR_TOKEN: controlPlane.token, USER: 'maria', ...options.env },
    isTerminal: options.isTerminal ?? false,
    now: () => now,
    sleep: async (ms) => {
      now += ms;
      options.onSleep?.();
    },
    stop: options.stop ?? new AbortController().signal,
  });
  return { code, out, error };
}

const json = async (...line: string[]) => JSON.parse((await cli([...line, '--json'])).out);
const lastRequest = () => controlPlane.requests.at(-1)!;

describe('reading', () => {
  test('ls lays breakers out in columns, without colour', async () => {
    const { code, out } = await cli(['ls']);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^SERVICE +BREAKER +STATE +LIVE +STALE +GONE +FAILED +DIVERTED +REJECTED +WIRE LOAD +OVERRIDE +SEEN$/,
    );
    expect(lines[2]).toMatch(/^shop +payments +open +2 +0 +0 +7 +40 +0 +90\/100 +- +10s ago$/);
    expect(lines[1]!.indexOf('smtp out')).toBe(lines[0]!.indexOf('BREAKER'));
    expect(out).not.toContain('\u001b');
  });

  test('ls counts a call over the limit as rejected, as the console does', async () => {
    controlPlane.put(fakeBreaker('shop', 'payments', { calls: { rejected: 3, limited: 4 } }));
    expect((await cli(['ls', '--service', 'shop'])).out).toMatch(/payments +closed +1 +0 +0 +0 +0 +7 /);
  });

  test('a terminal gets colour, unless NO_COLOR is set', async () => {
    expect((await cli(['ls'], { isTerminal: true })).out).toContain('\u001b[31mshop');
    expect((await cli(['ls'], { isTerminal: true, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
  });

  test('ls filters on the server and reads every page', async () => {
    expect((await json('ls', '--state', 'open')).items.map((item: { breaker: string }) => item.breaker)).toEqual([
      'payments',
    ]);
    for (let index = 0; index < 1_100; index += 1) controlPlane.put(fakeBreaker('many', `b${index}`));
    const all = await json('ls', '--service', 'many');
    expect(all.items).toHaveLength(1_100);
    expect(all.nextCursor).toBeNull();
  });

  test('an empty fleet says how a breaker gets there', async () => {
    expect((await cli(['ls', '--service', 'none'])).out).toMatch(/^No breakers\. A service appears here when/);
  });

  test('show names instances, wires and delivery, and prints the whole answer as JSON', async () => {
    const { out } = await cli(['show', 'shop', 'payments']);
    for (const part of ['state        open', '2 live, 0 stale, 0 gone', '90/100 held', 'nothing desired', 'shop-2'])
      expect(out).toContain(part);
    expect(await json('show', 'prod/mail', 'smtp out')).toEqual(controlPlane.get('prod/mail', 'smtp out'));
    expect(lastRequest().path).toBe('/api/v1/breakers/prod%2Fmail/smtp%20out');
  });

  test('show says the settings in words', async () => {
    const shown = async (settings: SettingsPatch) => {
      const detail = fakeBreaker('shop', 'tuned');
      const byInstance = detail.byInstance.map((one) => ({
        ...one,
        settings: applySettings(DEFAULT_SETTINGS, settings),
      }));
      controlPlane.put({ ...detail, byInstance });
      const { out } = await cli(['show', 'shop', 'tuned']);
      return Object.fromEntries(out.split('\n').map((line) => line.split(/ {2,}/) as [string, string]));
    };
    expect(await shown({})).toMatchObject({
      'trips at': '50% failed or 50% slow',
      window: 'the last 10s; a share counts from 20 calls on',
      'slow call': 'over 10s, also while it is in flight',
      cooldown: '30s',
      recovery: '3 good probes within 10s, then all calls',
      timeout: 'none',
    });
    const tuned = await shown({
      trip: { failureRatio: null, slowRatio: 0.125, failures: 5, consecutive: 1, windowCalls: 100, debounceMs: 250 },
      cooldownMs: { baseMs: 1_500, maxMs: 60_000, factor: 1.5, jitter: 0.5 },
      halfOpen: { probes: 1, ramp: [0.1, 0.5], rampStepMs: 2_000 },
      timeoutMs: 90_000,
      maxConcurrent: 50,
    });
    expect(tuned).toMatchObject({
      'trips at': '12.5% slow, 5 failures or 1 failure in a row',
      window: 'the last 100 calls; a share counts from 20 calls on',
      debounce: 'failures within 250ms count once',
      cooldown: '1.5s, 1.5 times as long each time, at most 1m, 50% of it left to chance',
      recovery: '1 good probe within 10s, then 10%, 50% of the calls for 2s each, then all',
      timeout: '90s',
      limit: '50 calls in flight',
    });
  });

  test('show says whose settings they are where instances differ, and copes with none and with fewer', async () => {
    const detail = fakeBreaker('shop', 'mixed', { states: ['closed', 'closed', 'closed'] });
    const settings: SettingsPatch[] = [{ cooldownMs: 1_000 }, DEFAULT_SETTINGS, DEFAULT_SETTINGS];
    const withSettings = (given: (index: number) => SettingsPatch | null) => {
      const byInstance = detail.byInstance.map((one, index) => ({ ...one, settings: given(index) as BreakerSettings }));
      controlPlane.put({ ...detail, byInstance });
      return cli(['show', 'shop', 'mixed']);
    };
    expect((await withSettings((index) => settings[index]!)).out).toMatch(
      /settings +as on 2 of 3 instances; --json has the others\n/,
    );
    expect((await withSettings(() => null)).out).toMatch(/settings +unknown: no instance has reported them\n/);
    // What a control plane of the first version told.
    const first = {
      trip: { failureRatio: 0.5, failures: null, minimumCalls: 20, windowMs: 10_000 },
      cooldownMs: 30_000,
    };
    const { code, out } = await withSettings(() => ({ ...first, halfOpen: { probes: 3, probeTimeoutMs: 10_000 } }));
    expect(code).toBe(0);
    expect(out).toMatch(/trips at +50% failed\n/);
    expect(out).not.toContain('undefined');
  });

  test('events, audit and agents list what is there', async () => {
    const at = '2026-05-01T11:00:00Z';
    controlPlane.event({
      id: 1,
      at,
      service: 'shop',
      instance: 'shop-1',
      breaker: 'payments',
      event: 'breaker.trip',
      severity: 'WARN',
      attributes: {
        'breaker.transition.reason': 'threshold',
        'breaker.failure.ratio': 0.27173913,
        'exception.stacktrace': 'Error: down\n  at here',
      },
    });
    controlPlane.audit({
      id: 1,
      at,
      actor: 'operator:maria',
      action: 'trip',
      service: 'shop',
      breaker: 'payments',
      reason: 'drill',
      revision: 3,
    });
    expect((await cli(['events', '--limit', '5'])).out).toContain(
      'breaker.trip  shop     payments  shop-1    breaker.transition.reason=threshold breaker.failure.ratio=0.2717\n',
    );
    expect(lastRequest().path).toMatch(/^\/api\/v1\/events\?event=breaker\.trip%2C.*&limit=5$/);
    expect((await cli(['audit'])).out).toMatch(/operator:maria +trip +shop +payments +3 +drill/);
    expect((await cli(['agents'])).out).toMatch(/shop +shop-1 +1\.4\.0 +production +live +yes +1 +10s ago/);
    expect((await json('agents')).items).toHaveLength(3);
    expect((await json('audit')).items[0]).toMatchObject({ action: 'trip', revision: 3 });
    expect((await json('events')).items[0]).toMatchObject({ event: 'breaker.trip' });
  });

  test('events leave single calls out until they are asked for', async () => {
    const common = { at: '2026-05-01T11:00:00Z', service: 'shop', instance: 'a', breaker: 'payments', attributes: {} };
    controlPlane.event({ ...common, id: 1, event: 'breaker.trip', severity: 'WARN' });
    controlPlane.event({ ...common, id: 2, event: 'breaker.call.exception', severity: 'WARN' });
    const told = async (...options: string[]) =>
      (await json('events', ...options)).items.map(({ event }: { event: string }) => event);
    expect(await told()).toEqual(['breaker.trip']);
    expect(await told('--calls')).toEqual(['breaker.call.exception', 'breaker.trip']);
    expect(await told('--event', 'breaker.call.exception')).toEqual(['breaker.call.exception']);
  });

  test('audit tells what was laid over a breaker', async () => {
    const common = {
      at: '2026-05-01T11:00:00Z',
      actor: 'operator',
      service: 'shop',
      breaker: 'payments',
      reason: null,
    };
    const until = '2026-05-01T12:00:00Z';
    const entries = [
      { action: 'config', after: { cooldownMs: 5_000 } },
      { action: 'config', after: null },
      { action: 'override', reason: 'drill', after: { mode: 'shadow', reason: 'drill', expiresAt: until } },
      { action: 'release', after: null },
    ];
    for (const [index, entry] of entries.entries())
      controlPlane.audit({ ...common, ...entry, id: index + 1, revision: index + 1 });
    const lines = (await cli(['audit'])).out.trimEnd().split('\n').slice(1).reverse();
    expect(lines[0]).toMatch(/config .* - +\{"cooldownMs":5000\}$/);
    expect(lines[1]).toMatch(/config .* its own settings again$/);
    expect(lines[2]).toMatch(/override .* drill +shadow until 2026-05-01T12:00:00Z$/);
    expect(lines[3]).toMatch(/release .* - +-$/);
  });

  test('a name cannot steer the terminal', async () => {
    controlPlane.put(fakeBreaker('evil', 'a\u001b[2J\nb\u202ec'));
    const { out } = await cli(['ls', '--service', 'evil']);
    for (const control of ['\u001b', '\u202e']) expect(out).not.toContain(control);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('acting', () => {
  test.each(['trip', 'reset'])('%s sends its reason and who asks', async (kind) => {
    const { code, out } = await cli([kind, 'shop', 'payments', '--reason', 'drill']);
    expect(code).toBe(0);
    expect(out).toBe(`shop/payments: ${kind} asked for (revision 1)\n`);
    expect(lastRequest()).toMatchObject({
      method: 'POST',
      path: `/api/v1/breakers/shop/payments/${kind}`,
      body: { reason: 'drill' },
    });
    expect(lastRequest().headers['switchgear-actor']).toBe('maria');
    expect(await json(kind, 'shop', 'payments', '--reason', 'drill')).toMatchObject({ revision: 2, action: { kind } });
  });

  test('an actor keeps only what a header may carry', async () => {
    await cli(['reset', 'shop', 'payments', '--reason', 'x'], { env: { USER: ' mar\r\nX: yía ' } });
    expect(lastRequest().headers['switchgear-actor']).toBe('marX: ya');
    await cli(['reset', 'shop', 'payments', '--reason', 'x'], { env: { USER: undefined } });
    expect(lastRequest().headers['switchgear-actor']).toBeUndefined();
  });

  test('lockout holds for a time, until a time, and in another mode', async () => {
    await cli(['lockout', 'shop', 'payments', '--reason', 'INC', '--for', '30m']);
    expect(lastRequest()).toMatchObject({
      method: 'PUT',
      body: { mode: 'forced_open', reason: 'INC', expiresAt: '2026-05-01T12:30:00.000Z' },
    });
    await cli([
      'lockout',
      'shop',
      'payments',
      '--reason',
      'INC',
      '--until',
      '2026-05-02T00:00:00+02:00',
      '--mode',
      'shadow',
    ]);
    expect(lastRequest()).toMatchObject({ body: { mode: 'shadow', expiresAt: '2026-05-01T22:00:00.000Z' } });
  });

  test('release ends it', async () => {
    await cli(['lockout', 'shop', 'payments', '--reason', 'INC', '--for', '30m']);
    expect((await json('release', 'shop', 'payments')).override).toBeNull();
    expect(lastRequest().method).toBe('DELETE');
    expect(controlPlane.get('shop', 'payments')?.override).toBeNull();
  });

  test('config is set by path and read back', async () => {
    expect((await cli(['config', 'get', 'shop', 'payments'])).out).toBe('Nothing is laid over its own settings.\n');
    await cli(['config', 'set', 'shop', 'payments', 'trip.failureRatio=0.3', 'trip.failures=null', 'cooldownMs=60000']);
    const config = { trip: { failureRatio: 0.3, failures: null }, cooldownMs: 60_000 };
    expect(lastRequest().body).toEqual(config);
    expect(await json('config', 'get', 'shop', 'payments')).toEqual({ revision: 1, config });
  });

  test.each<[string[], SettingsPatch]>([
    [['halfOpen.ramp=[0.1,0.5]'], { halfOpen: { ramp: [0.1, 0.5] } }],
    [['halfOpen.ramp=[]', 'halfOpen.rampStepMs=500'], { halfOpen: { ramp: [], rampStepMs: 500 } }],
    [['trip.countOverdue=false', 'trip.slowRatio=null'], { trip: { countOverdue: false, slowRatio: null } }],
    [['cooldownMs.baseMs=1000', 'cooldownMs.jitter=0.5'], { cooldownMs: { baseMs: 1_000, jitter: 0.5 } }],
    [['cooldownMs={"baseMs":1000,"maxMs":5000}'], { cooldownMs: { baseMs: 1_000, maxMs: 5_000 } }],
    [
      ['trip.consecutive=5', 'trip.windowCalls=100', 'maxConcurrent=10'],
      { trip: { consecutive: 5, windowCalls: 100 }, maxConcurrent: 10 },
    ],
  ])('config takes lists, words and a cooldown that grows: %j', async (settings, config) => {
    expect((await cli(['config', 'set', 'shop', 'payments', ...settings])).code).toBe(0);
    expect(lastRequest().body).toEqual(config);
  });

  test('config clear takes off what was laid over', async () => {
    await cli(['config', 'set', 'shop', 'payments', 'cooldownMs=60000']);
    const { code, out } = await cli(['config', 'clear', 'shop', 'payments', '--wait']);
    expect([code, out]).toEqual([
      0,
      'shop/payments: nothing is laid over its own settings, applied on 2 of 2 live instances (revision 2)\n',
    ]);
    expect(controlPlane.requests.findLast(({ method }) => method === 'PUT')).toMatchObject({
      path: '/api/v1/breakers/shop/payments/config',
      body: {},
    });
    expect((await cli(['config', 'get', 'shop', 'payments'])).out).toBe('Nothing is laid over its own settings.\n');
    expect(await json('config', 'clear', 'shop', 'payments')).toEqual({ revision: 3, config: null });
  });

  test('--wait ends when all live instances applied it', async () => {
    controlPlane.delivery = 'hold';
    const onSleep = () => controlPlane.deliver('shop', 'payments', 1);
    const { code, out } = await cli(['trip', 'shop', 'payments', '--reason', 'x', '--wait'], { onSleep });
    expect(code).toBe(0);
    expect(out).toBe('shop/payments: trip asked for, applied on 2 of 2 live instances (revision 1)\n');
    controlPlane.delivery = 'apply';
    const answer = await json('trip', 'shop', 'payments', '--reason', 'x', '--wait');
    expect(answer.delivery).toEqual({ revision: 2, applied: 2, failed: 0, pending: 0 });
  });
});

describe('exit code 3', () => {
  const wait = ['trip', 'shop', 'payments', '--reason', 'x', '--wait', '--timeout', '5s'];

  test('where an instance failed, with what it said', async () => {
    controlPlane.delivery = 'fail';
    const { code, error } = await cli(wait);
    expect(code).toBe(3);
    expect(error).toBe(
      'switchgear: Revision 1 is applied on 0 of 2 live instances, 2 failed. shop-1 says: window is too short.\n',
    );
  });

  test('where the time is up', async () => {
    controlPlane.delivery = 'hold';
    const { code, error } = await cli(wait);
    expect(code).toBe(3);
    expect(error).toContain('applied on 0 of 2 live instances after 5 s');
  });

  test('where no instance is live', async () => {
    controlPlane.put(fakeBreaker('shop', 'payments', { liveness: 'gone' }));
    const { code, error } = await cli(wait);
    expect(code).toBe(3);
    expect(error).toContain('no live instance');
  });
});

describe('exit code 2 names the option and the rule, and asks the server nothing', () => {
  test.each([
    [['lockout', 'shop', 'payments', '--for', '30m'], "required option '--reason <text>'"],
    [['lockout', 'shop', 'payments', '--reason', 'x'], 'needs one of --for and --until'],
    [
      ['lockout', 'shop', 'payments', '--reason', 'x', '--for', '1h', '--until', '2027-01-01T00:00:00Z'],
      'needs one of',
    ],
    [['lockout', 'shop', 'payments', '--reason', 'x', '--for', '30'], '--for must be a number with s, m, h or d'],
    [
      ['lockout', 'shop', 'payments', '--reason', 'x', '--until', '2026-04-01T00:00:00Z'],
      '--until must be in the future',
    ],
    [['lockout', 'shop', 'payments', '--reason', 'x', '--until', 'tomorrow'], 'with its offset'],
    [['trip', 'shop', 'payments', '--reason', ' '], '--reason must be 1 to 500 characters'],
    [['trip', 'shop', 'payments'], '--reason'],
    [['config', 'set', 'shop', 'payments', 'trip.failureRatio=5'], '`trip.failureRatio` must be in (0, 1], got 5'],
    [['config', 'set', 'shop', 'payments', '__proto__.x=5'], 'path=value'],
    [['config', 'set', 'shop', 'payments', 'colour=5'], '`colour` is unknown'],
    [
      ['config', 'set', 'shop', 'payments', 'trip.countOverdue=yes'],
      '`trip.countOverdue` must be true or false, got "yes"',
    ],
    [
      ['config', 'set', 'shop', 'payments', 'timeoutMs=true'],
      '`timeoutMs` must be an integer from 1 to 86400000, got true',
    ],
    [
      ['config', 'set', 'shop', 'payments', 'halfOpen.ramp=0.5'],
      '`halfOpen.ramp` must be a list of at most 10 numbers',
    ],
    [['config', 'set', 'shop', 'payments', 'halfOpen.ramp=[0.5,0.1]'], 'each above the one before, got [0.5,0.1]'],
    [
      ['config', 'set', 'shop', 'payments', 'halfOpen.ramp=[0.5'],
      '`halfOpen.ramp` must be JSON where it begins with "["',
    ],
    [
      ['config', 'set', 'shop', 'payments', 'cooldownMs.maxMs=5000'],
      '`cooldownMs.baseMs` must be an integer from 1 to 86400000, got nothing',
    ],
    [['config', 'set', 'shop', 'payments', 'cooldownMs.baseMs=0'], '`cooldownMs.baseMs` must be an integer'],
    [['config', 'set', 'shop', 'payments', 'cooldownMs={"__proto__":1}'], '`cooldownMs.__proto__` is unknown'],
    [
      ['config', 'set', 'shop', 'payments', 'cooldownMs=5', 'cooldownMs.baseMs=5'],
      '`cooldownMs` is given whole and in part',
    ],
    [['config', 'set', 'shop', 'payments', 'cooldownMs.baseMs=5', 'cooldownMs=5'], '`cooldownMs` is given twice'],
    [['config', 'set', 'shop', 'payments', 'trip.failures=5', 'trip.failures=6'], '`trip.failures` is given twice'],
    [['ls', '--state', 'broken'], 'Allowed choices are closed, open'],
    [
      ['events', '--event', 'breaker.tripped'],
      'Allowed choices are breaker.call.exception, breaker.call.rejected, breaker.trip',
    ],
    [['events', '--limit', '0'], '--limit must be an integer from 1 to 1000'],
    [['ls', '--url', 'ftp://x'], 'must be an http or https URL'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['show', 'shop'], "missing required argument 'breaker'"],
  ])('%j', async (line, said) => {
    const { code, error } = await cli(line);
    expect(code).toBe(2);
    expect(error).toContain(said);
    expect(error).not.toMatch(/\n\s+at /);
    expect(controlPlane.requests).toHaveLength(0);
  });
});

describe('exit code 1 is one line that says what to do', () => {
  const oneLine = (error: string) => expect(error).toMatch(/^switchgear: [^\n]+\n$/);

  test('without a token, with a wrong one, and with too little right', async () => {
    const none = await cli(['ls'], { env: { SWITCHGEAR_TOKEN: undefined } });
    expect([none.code, none.error]).toEqual([1, expect.stringContaining('Set SWITCHGEAR_TOKEN')]);
    const wrong = await cli(['ls', '--token', 'wrong']);
    expect([wrong.code, wrong.error]).toEqual([1, expect.stringContaining('Check the token')]);
    controlPlane.refuse('POST', { status: 403, detail: 'The viewer role may only read.' });
    const viewer = await cli(['trip', 'shop', 'payments', '--reason', 'x']);
    expect([viewer.code, viewer.error]).toEqual([1, expect.stringContaining('needs an operator token')]);
    for (const { error } of [none, wrong, viewer]) oneLine(error);
  });

  test('an unknown breaker, a refused field, a server that failed', async () => {
    const unknown = await cli(['show', 'shop', 'nope']);
    expect(unknown.error).toContain('No breaker nope of shop is known (HTTP 404). See "switchgear ls"');
    controlPlane.refuse('PUT', {
      status: 400,
      detail: 'x',
      errors: [{ field: 'expiresAt', detail: '`expiresAt` must be nearer' }],
    });
    const refused = await cli(['lockout', 'shop', 'payments', '--reason', 'x', '--for', '9d']);
    expect(refused.error).toContain('`expiresAt` must be nearer (HTTP 400)');
    controlPlane.refuse('GET', { status: 500, detail: 'a\nb' });
    const failed = await cli(['ls']);
    for (const { code, error } of [unknown, refused, failed]) {
      expect(code).toBe(1);
      oneLine(error);
    }
  });

  test('a server that is not there, or is another one', async () => {
    const other = createServer((_request, response) => void response.end('<html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect((await cli(['ls', '--url', url])).error).toContain('is it a Switchgear control plane?');
    await new Promise((resolve) => {
      other.closeAllConnections();
      other.close(resolve);
    });
    const gone = await cli(['ls', '--url', url]);
    expect(gone.code).toBe(1);
    expect(gone.error).toContain(`Cannot reach the control plane at ${url} (ECONNREFUSED).`);
    oneLine(gone.error);
  });
});

describe('watch', () => {
  test('prints the snapshot, then every change, until it is stopped', async () => {
    const stop = new AbortController();
    let told = false;
    const onOut = (all: string) => {
      if (!told && all.includes('shop/payments  open')) {
        told = true;
        controlPlane.put(fakeBreaker('shop', 'payments'));
        controlPlane.event({
          id: 1,
          at: 'T',
          service: 'shop',
          instance: 'shop-1',
          breaker: 'payments',
          event: 'breaker.reset',
          severity: 'INFO',
          attributes: {},
        });
        controlPlane.audit({
          id: 1,
          at: 'T',
          actor: 'operator',
          action: 'reset',
          service: 'shop',
          breaker: 'payments',
          reason: 'r',
          revision: 1,
        });
        controlPlane.remove('shop', 'payments');
      }
      if (all.includes('removed')) stop.abort();
    };
    const { code, out } = await cli(['watch'], { stop: stop.signal, onOut });
    expect(code).toBe(0);
    expect(out).toContain('now       shop/payments  closed  1 live');
    expect(out).toContain('event     shop/payments  breaker.reset  shop-1');
    expect(out).toContain('audit     shop/payments  reset by operator: r');
  });

  test('connects again after the server ended the stream, and tells the gap', async () => {
    const stop = new AbortController();
    let snapshots = 0;
    const onOut = (all: string) => {
      const count = all.split('"event":"snapshot"').length - 1;
      if (count === snapshots) return;
      snapshots = count;
      if (snapshots === 1) setImmediate(() => controlPlane.dropStreams());
      else stop.abort();
    };
    const { code, out, error } = await cli(['watch', '--json', '--service', 'shop'], { stop: stop.signal, onOut });
    expect(code).toBe(0);
    expect(error).toContain('what follows may have a gap');
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('data');
    expect(lastRequest().path).toBe('/api/v1/stream?service=shop');
  });

  test('a refused token ends it at once', async () => {
    const { code, error } = await cli(['watch', '--token', 'wrong']);
    expect([code, error]).toEqual([1, expect.stringContaining('Check the token')]);
  });
});

test('--version prints the version of the package and asks the server nothing', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../src/cli/package.json', import.meta.url), 'utf8'));
  expect(await cli(['--version'])).toEqual({ code: 0, out: `${version}\n`, error: '' });
  expect(controlPlane.requests).toEqual([]);
});

describe('help', () => {
  test('of config set names every setting', async () => {
    const { out } = await cli(['config', 'set', '--help']);
    const { trip, halfOpen, cooldownBackoff, ...top } = SETTINGS_LIMITS;
    for (const key of Object.keys(trip)) expect(out).toContain(`  trip.${key} `);
    for (const key of Object.keys(halfOpen)) expect(out).toContain(`  halfOpen.${key} `);
    for (const key of Object.keys(cooldownBackoff)) expect(out).toContain(`  cooldownMs.${key} `);
    for (const key of Object.keys(top)) expect(out).toContain(`  ${key} `);
  });

  test('names every command, the environment and the exit codes', async () => {
    const { code, out } = await cli(['--help']);
    expect(code).toBe(0);
    for (const part of [
      'ls',
      'show',
      'trip',
      'reset',
      'lockout',
      'release',
      'config',
      'watch',
      'audit',
      'events',
      'agents',
      'SWITCHGEAR_URL',
      'SWITCHGEAR_TOKEN',
      'Exit codes:',
    ])
      expect(out).toContain(part);
  });

  test.each([
    'ls',
    'show',
    'events',
    'audit',
    'agents',
    'trip',
    'reset',
    'lockout',
    'release',
    'watch',
    'config get',
    'config set',
    'config clear',
  ])('%s has an example and --json', async (command) => {
    const { code, out } = await cli([...command.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`switchgear ${command}`);
    expect(out).toContain('--json');
  });
});

test('the program itself runs, ends with its exit code and prints no stack', async () => {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'show', 'shop', 'nope'], {
    env: { ...process.env, SWITCHGEAR_URL: controlPlane.url, SWITCHGEAR_TOKEN: controlPlane.token },
  });
  let error = '';
  child.stderr.on('data', (chunk) => {
    error += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(1);
  expect(error).toMatch(/^switchgear: No breaker nope[^\n]+\n$/);
});
