import type { Override } from '@switchgear/conventions';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  allReportedBreakers,
  type ControlLink,
  connectControlPlane,
  type ForeignBreaker,
  reportBreaker,
} from '../../../src/breaker/index.ts';
import { OpampServer, type Received } from '../control/opamp-server.ts';
import { HandSwitch } from './hand-switch.ts';

let server: OpampServer;
let link: ControlLink;
const problems: string[] = [];

beforeEach(async () => {
  problems.length = 0;
  server = new OpampServer();
  link = connectControlPlane({
    url: await server.start(),
    service: { name: 'mill', instanceId: 'mill-1' },
    onProblem: (problem) => problems.push(problem),
  });
});
afterEach(async () => {
  await link.close();
  for (const breaker of allReportedBreakers()) await breaker.close();
  await server.stop();
});

const report = (name: string, source: ForeignBreaker) => reportBreaker(name, source, { telemetry: 'off' });
const override = (mode: Override['mode']): Override => ({
  mode,
  reason: 'release 7',
  actor: 'ada',
  expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
});
const action = (kind: 'trip' | 'reset', generation = 1) => ({ kind, generation, reason: 'drill', actor: 'ada' });
const reports = (name: string, revision: number) => (received: Received) =>
  received.inventory?.breakers[name]?.applied?.revision === revision;

test('it is in the inventory with its wires, and what it does of itself goes up', async () => {
  const source = new HandSwitch();
  const breaker = report('turbine', source);
  const isIn = ({ inventory }: Received) => inventory?.breakers.turbine?.generation === 1;
  const first = await server.until(isIn);
  expect(first.inventory?.breakers.turbine).toEqual({
    state: 'closed',
    generation: 1,
    settings: breaker.settings,
    neutralWires: [{ name: 'standby', kind: 'fallback' }],
  });
  source.enter('open');
  await server.until(({ inventory }) => inventory?.breakers.turbine?.state === 'open');
  await breaker.close();
  await server.until(({ inventory }) => inventory !== undefined && inventory.breakers.turbine === undefined);
});

test('it is tripped, held, let go of and reset as the control plane wants it', async () => {
  const source = new HandSwitch();
  report('turbine', source);
  server.desire({ turbine: { revision: 1, action: action('trip') } }, 1);
  expect((await server.until(reports('turbine', 1))).inventory?.breakers.turbine).toMatchObject({
    state: 'open',
    applied: { status: 'applied' },
  });
  server.desire({ turbine: { revision: 2, action: action('trip'), override: override('forced_open') } }, 2);
  await server.until(reports('turbine', 2));
  server.desire({ turbine: { revision: 3, action: action('reset', 2) } }, 3);
  await server.until(reports('turbine', 3));
  expect(source.asked).toEqual(['trip', 'hold forced_open', 'let go of forced_open', 'reset']);
  expect(problems).toEqual([]);
});

test('one that is bridged after the document came is brought to it', async () => {
  server.desire({ turbine: { revision: 1, override: override('disabled') } }, 1);
  await server.until(({ message }) => message.remoteConfigStatus !== undefined);
  const source = new HandSwitch();
  report('turbine', source);
  expect(source.asked).toEqual(['hold disabled']);
});

test.each([
  ['a mode', { override: override('shadow') }, '`mode` is not possible: '],
  ['a trip', { action: action('trip') }, '`trip` is not possible: '],
  ['settings', { config: { cooldownMs: 5 } }, '`config` must be left out: this breaker goes by its own settings'],
])('%s that its library has no way to comes back as failed, each time the document comes', async (_, wanted, error) => {
  report('bare', { state: () => 'closed', attach: () => () => {} });
  for (const document of [1, 2]) {
    server.desire({ bare: { revision: 1, ...wanted } }, document);
    const isAnswer = (received: Received) =>
      received.message.remoteConfigStatus?.lastRemoteConfigHash ===
        Buffer.from(`hash-${document}`).toString('base64') && reports('bare', 1)(received);
    const { inventory, message } = await server.until(isAnswer);
    expect(inventory?.breakers.bare).toMatchObject({ state: 'closed', applied: { revision: 1, status: 'failed' } });
    expect(inventory?.breakers.bare?.applied?.error).toContain(error);
    expect(message.remoteConfigStatus?.status).toBe('RemoteConfigStatuses_FAILED');
  }
  expect(new Set(problems).size).toBe(1);
});
