import { DESIRED_STATE_SCHEMA, type DesiredBreaker, type Override, type SettingsPatch } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allBreakers, type ControlLink, connectControlPlane, createBreaker } from '../../../src/breaker/index.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { OpampServer, type Received } from './opamp-server.ts';

let server: OpampServer;
let url: string;
const links: ControlLink[] = [];
const problems: string[] = [];

beforeEach(async () => {
  server = new OpampServer();
  url = await server.start();
  problems.length = 0;
});

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  for (const breaker of allBreakers()) await breaker.close();
  await server.stop();
});

function connect(clock?: ManualClock): ControlLink {
  const link = connectControlPlane({
    url,
    token: 'agent-token',
    service: { name: 'shop', instanceId: 'shop-1', namespace: 'demo', version: '1.2.3' },
    onProblem: (message) => problems.push(message),
    ...(clock && { clock }),
  });
  links.push(link);
  return link;
}

function breakerNamed(name: string) {
  return createBreaker(name, { telemetry: 'off' });
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const held = (mode: Override['mode'], reason = 'release 7'): Override => ({
  mode,
  reason,
  actor: 'ada',
  expiresAt: inAnHour(),
});
const reports = (name: string, revision: number) => (received: Received) =>
  received.inventory?.breakers[name]?.applied?.revision === revision;

describe('a link to the control plane', () => {
  test('describes the process and its breakers in its first message', async () => {
    breakerNamed('payments');
    connect();
    const { message, headers, inventory, wait } = await server.until(() => true);
    expect(headers).toMatchObject({ authorization: 'Bearer agent-token', 'content-type': 'application/json' });
    expect(Buffer.from(message.instanceUid, 'base64')).toHaveLength(16);
    expect(message.sequenceNum).toBe('1');
    expect(message.agentDescription?.identifyingAttributes?.map(({ key, value }) => [key, value.stringValue])).toEqual([
      ['service.name', 'shop'],
      ['service.namespace', 'demo'],
      ['service.instance.id', 'shop-1'],
      ['service.version', '1.2.3'],
    ]);
    expect(inventory?.breakers.payments).toMatchObject({ state: 'closed', generation: 1, neutralWires: [] });
    expect(wait).toBe(0);
    const poll = await server.until((received) => received.wait > 0);
    expect(poll.message).toMatchObject({ sequenceNum: '2', instanceUid: message.instanceUid });
    expect(poll.message.agentDescription).toBeUndefined();
    expect(poll.inventory).toBeUndefined();
  });

  test('tells the inventory anew when a breaker is redefined, in its own mode and with its own settings', async () => {
    const breaker = createBreaker('payments', { telemetry: 'off', mode: 'shadow' });
    connect();
    const first = await server.until(() => true);
    expect(first.inventory?.breakers.payments).toMatchObject({ state: 'shadow', generation: 1 });
    await server.until((received) => received.wait > 0);
    breaker.redefine({ mode: 'shadow', cooldownMs: 7_000 });
    const second = await server.until(({ inventory }) => inventory?.breakers.payments?.settings.cooldownMs === 7_000);
    expect(second.inventory?.breakers.payments).toMatchObject({ state: 'shadow', generation: 1 });
    breaker.redefine({});
    await server.until(({ inventory }) => inventory?.breakers.payments?.state === 'closed');
  });

  test('lays over a breaker that is redefined what could not be laid over it before', async () => {
    const breaker = breakerNamed('payments');
    connect();
    server.desire({ payments: { revision: 2, config: { trip: { slowMs: null } } } }, 2);
    const first = await server.until(reports('payments', 2));
    expect(first.inventory?.breakers.payments?.applied).toMatchObject({ status: 'failed' });
    breaker.redefine({ trip: { slowRatio: null } });
    expect(breaker.settings.trip).toMatchObject({ slowRatio: null, slowMs: null });
    const isApplied = ({ inventory }: Received) => inventory?.breakers.payments?.applied?.status === 'applied';
    const second = await server.until(isApplied);
    expect(second.inventory?.breakers.payments?.settings.trip.slowMs).toBeNull();
  });

  test('applies desired state as it comes, in order, and reports its hash and what was applied', async () => {
    const breaker = breakerNamed('payments');
    connect();
    await server.until((received) => received.wait > 0);
    server.desire({ payments: { revision: 1, override: held('forced_open') } }, 1);
    const first = await server.until(reports('payments', 1));
    expect(breaker.state).toBe('forced_open');
    expect(first.inventory?.breakers.payments).toMatchObject({ state: 'forced_open', applied: { status: 'applied' } });
    expect(first.message.remoteConfigStatus).toEqual({
      lastRemoteConfigHash: Buffer.from('hash-1').toString('base64'),
      status: 'RemoteConfigStatuses_APPLIED',
    });
    server.desire({ payments: { revision: 2, override: held('disabled'), config: { cooldownMs: 5 } } }, 2);
    await server.until(reports('payments', 2));
    expect(breaker.state).toBe('disabled');
    expect(breaker.settings.cooldownMs).toBe(5);
  });

  test('a settings patch that leaves no trip rule fails for its breaker, with the reason; the rest is applied', async () => {
    const bad = breakerNamed('bad');
    const good = breakerNamed('good');
    connect();
    const config = { trip: { failureRatio: null, slowRatio: null } };
    server.desire({ bad: { revision: 3, config }, good: { revision: 4, override: held('shadow') } }, 4);
    const { inventory, message } = await server.until(reports('good', 4));
    expect(inventory?.breakers.bad?.applied).toMatchObject({ revision: 3, status: 'failed' });
    expect(inventory?.breakers.bad?.applied?.error).toMatch(
      /must keep at least one of failureRatio, failures, consecutive and slowRatio/,
    );
    expect(message.remoteConfigStatus?.status).toBe('RemoteConfigStatuses_FAILED');
    expect(bad.settings.trip.failureRatio).toBe(0.5);
    expect(good.state).toBe('shadow');
    expect(problems).toHaveLength(1);
  });

  test('settings that it does not know fail for their breaker alone, which is locked out all the same', async () => {
    const breaker = breakerNamed('payments');
    const other = breakerNamed('other');
    connect();
    const config = { ofALaterVersion: 1 } as SettingsPatch;
    server.desire({ payments: { revision: 3, override: held('forced_open'), config }, other: { revision: 4 } }, 4);
    const { inventory } = await server.until(reports('other', 4));
    expect(breaker.state).toBe('forced_open');
    expect(inventory?.breakers.payments?.applied).toMatchObject({ revision: 3, status: 'failed' });
    expect(inventory?.breakers.payments?.applied?.error).toMatch(/`ofALaterVersion` is unknown/);
    expect(inventory?.breakers.other?.applied).toMatchObject({ revision: 4, status: 'applied' });
    expect(other.state).toBe('closed');
  });

  test('what cannot be read of one breaker leaves it as it was, and reaches the others', async () => {
    const breaker = breakerNamed('payments');
    const other = breakerNamed('other');
    connect();
    server.desire({ payments: { revision: 1, override: held('forced_open') } }, 1);
    await server.until(reports('payments', 1));
    const override = { ...held('forced_open'), mode: 'of a later version' } as never;
    server.desire({ payments: { revision: 2, override }, other: { revision: 3, override: held('shadow') } }, 3);
    const { inventory, message } = await server.until(reports('other', 3));
    expect(breaker.state).toBe('forced_open');
    expect(other.state).toBe('shadow');
    expect(inventory?.breakers.payments?.applied).toMatchObject({ revision: 2, status: 'failed' });
    expect(message.remoteConfigStatus?.errorMessage).toMatch(/payments: .*override\.mode/);
  });

  test('acts on an action once for each generation', async () => {
    const breaker = breakerNamed('payments');
    const heard: string[] = [];
    breaker.onTransition(({ to, reason, note }) => heard.push(`${to} ${reason} ${note}`));
    connect();
    const action = { kind: 'trip', generation: 1, reason: 'deploy', actor: 'ada' } as const;
    server.desire({ payments: { revision: 1, action } }, 1);
    await server.until(reports('payments', 1));
    breaker.reset();
    server.desire({ payments: { revision: 2, action, config: { cooldownMs: 9 } } }, 2);
    await server.until(reports('payments', 2));
    expect(breaker.state).toBe('closed');
    server.desire({ payments: { revision: 3, action: { ...action, generation: 2 } } }, 3);
    await server.until(reports('payments', 3));
    expect(heard).toEqual([
      'open desired_state ada: deploy',
      'closed operator undefined',
      'open desired_state ada: deploy',
    ]);
  });

  test('takes away an override that the document no longer has, and leaves one that was set here', async () => {
    const theirs = breakerNamed('theirs');
    const ours = breakerNamed('ours');
    ours.holdIn(held('disabled', 'by hand'));
    connect();
    server.desire({ theirs: { revision: 1, override: held('disabled') }, ours: { revision: 1 } }, 1);
    await server.until(reports('theirs', 1));
    expect(theirs.state).toBe('disabled');
    server.desire({ ours: { revision: 2 } }, 2);
    await server.until(reports('ours', 2));
    expect(theirs.state).toBe('closed');
    expect(ours.state).toBe('disabled');
  });

  test('an override that has run out already is not applied', async () => {
    const breaker = breakerNamed('payments');
    connect();
    const override = { ...held('forced_open'), expiresAt: '2020-01-01T00:00:00Z' };
    server.desire({ payments: { revision: 1, override } }, 1);
    await server.until(reports('payments', 1));
    expect(breaker.state).toBe('closed');
  });

  test('gives a breaker that is made later its desired state at once', async () => {
    connect();
    server.desire({ later: { revision: 5, override: held('forced_open'), config: { cooldownMs: 77 } } }, 5);
    await server.until(({ message }) => message.remoteConfigStatus?.status === 'RemoteConfigStatuses_APPLIED');
    const breaker = breakerNamed('later');
    expect(breaker.state).toBe('forced_open');
    expect(breaker.settings.cooldownMs).toBe(77);
    await server.until(reports('later', 5));
  });

  test('tells of a transition at once, though a poll is held', async () => {
    const breaker = breakerNamed('payments');
    connect();
    await server.until((received) => received.wait > 0);
    const from = server.received.length;
    const tripped = performance.now();
    breaker.trip();
    const { inventory, at } = await server.until(
      ({ inventory }) => inventory?.breakers.payments?.state === 'open',
      from,
    );
    expect(inventory?.breakers.payments?.generation).toBe(2);
    expect(at - tripped).toBeLessThan(1_000);
    expect(problems).toEqual([]);
  });

  test('tells of a breaker that was closed down', async () => {
    const breaker = breakerNamed('gone');
    connect();
    await server.until((received) => received.wait > 0);
    const from = server.received.length;
    await breaker.close();
    const { inventory } = await server.until((received) => received.inventory !== undefined, from);
    expect(inventory?.breakers).toEqual({});
  });

  test('says goodbye when it is closed, and leaves the breakers as they are', async () => {
    const breaker = breakerNamed('payments');
    const link = connect();
    server.desire({ payments: { revision: 1, override: held('forced_open') } }, 1);
    await server.until(reports('payments', 1));
    await server.until((received) => received.wait > 0);
    expect(link.connected).toBe(true);
    await link.close();
    expect(server.received.at(-1)?.message.agentDisconnect).toEqual({});
    expect(link.connected).toBe(false);
    expect(breaker.state).toBe('forced_open');
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    'a breaker named %s has no desired state until it is given one',
    async (name) => {
      const breaker = breakerNamed(name);
      connect();
      const { inventory } = await server.until(() => true);
      const sent = Object.entries(inventory?.breakers ?? {}).find(([key]) => key === name)?.[1];
      expect(sent).toMatchObject({ state: 'closed' });
      expect(sent?.applied).toBeUndefined();
      const entry: DesiredBreaker = { revision: 1, override: held('shadow') };
      const document = `{"schema":"${DESIRED_STATE_SCHEMA}","revision":1,"breakers":{"${name}":${JSON.stringify(entry)}}}`;
      server.desireBody(document, 'hash-1');
      await server.until(({ message }) => message.remoteConfigStatus?.status === 'RemoteConfigStatuses_APPLIED');
      expect(breaker.state).toBe('shadow');
    },
  );
});

describe('a control plane in trouble', () => {
  const status = (code: number, body: string) => (response: import('node:http').ServerResponse) =>
    void response.writeHead(code, { 'content-type': 'application/problem+json' }).end(body);

  test.each([
    [
      '401',
      status(401, '{"title":"Unauthorized","detail":"the token is unknown"}'),
      /answered 401 the token is unknown/,
    ],
    ['500', status(500, 'oops'), /answered 500/],
    ['garbage', status(200, '<html>'), /answered 200 with what is no JSON/],
    ['JSON that is no message', status(200, '"hello"'), /answered 200 with what is no OpAMP message/],
    ['an oversized answer', status(200, `"${'x'.repeat(5 * 1024 * 1024)}"`), /more than 4194304 bytes|aborted/],
  ])('%s: the last known good stays, and it is told in one line', async (_, answer, told) => {
    const clock = new ManualClock(Date.now());
    const breaker = breakerNamed('payments');
    const link = connect(clock);
    server.desire({ payments: { revision: 1, config: { cooldownMs: 77 } } }, 1);
    await server.until(reports('payments', 1));
    await server.until(({ wait }) => wait > 0, server.received.length - 1);
    const from = server.received.length;
    server.raw.push(answer, answer, answer);
    breaker.trip();
    for (let tries = 0; server.raw.length > 0 && tries < 2_000; tries++) await clock.advance(100);
    await server.until(({ message }) => message.agentDescription !== undefined, from);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(told);
    expect(breaker.settings.cooldownMs).toBe(77);
    for (let tries = 0; !link.connected && tries < 500; tries++) await clock.advance(500);
    expect(link.connected).toBe(true);
  });

  test('a document that breaks a rule is refused as a whole, and reported', async () => {
    const breaker = breakerNamed('payments');
    connect();
    server.desire({ payments: { revision: 1, override: held('disabled') } }, 1);
    await server.until(reports('payments', 1));
    const bad = { payments: { revision: 2, override: { ...held('disabled'), mode: 'ajar' } } };
    server.desireBody(JSON.stringify({ schema: DESIRED_STATE_SCHEMA, revision: 2, breakers: bad }), 'bad');
    const { message } = await server.until(
      ({ message }) => message.remoteConfigStatus?.status === 'RemoteConfigStatuses_FAILED',
    );
    expect(message.remoteConfigStatus?.errorMessage).toMatch(/`breakers.payments.override.mode` must be one of/);
    expect(breaker.state).toBe('disabled');
    expect(problems).toHaveLength(1);
  });

  test('is asked again after a pause that doubles, half of it at random, up to 30 s', async () => {
    const clock = new ManualClock();
    for (let answer = 0; answer < 9; answer++) server.raw.push(status(500, ''));
    connect(clock);
    for (const mostMs of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
      let pausedMs = 0;
      for (; clock.pendingTimers > 0; pausedMs += 10) await clock.advance(10);
      expect(pausedMs).toBeGreaterThanOrEqual(mostMs / 2);
      expect(pausedMs).toBeLessThanOrEqual(mostMs + 10);
    }
    expect(problems).toHaveLength(1);
  });

  test('that answers polls at once instead of holding them is not asked in a busy loop', async () => {
    server.holds = false;
    breakerNamed('payments');
    connect();
    await server.until((received) => received.wait > 0);
    const from = server.received.length;
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(server.received.length - from).toBeLessThanOrEqual(3);
  });
});

test.each([
  [{ url: 'ftp://x' }, '`url` must be an http or https URL, got "ftp://x"'],
  [{ service: { name: '' } }, '`service.name` must be a string of 1 to 255 characters, got ""'],
  [{ token: '' }, '`token` must be a string of 1 to 4096 characters'],
  [{ onproblem: 1 }, '`onproblem` is unknown'],
])('connectControlPlane refuses %j', (wrong, message) => {
  const options = { url: 'http://127.0.0.1:9', service: { name: 's', instanceId: 'i' }, ...wrong };
  expect(() => connectControlPlane(options as never)).toThrow(message);
});
