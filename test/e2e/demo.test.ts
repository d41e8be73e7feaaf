import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListBody, SeenBreaker, SeenEvent } from '../support/control-plane.ts';
import { waitUntil } from '../support/deadline.ts';
import { type DemoReport, DemoRun, isAlive } from '../support/demo.ts';
import { freePorts, runNode } from '../support/processes.ts';

describe('the demo, for 26 seconds', () => {
  let demo: DemoRun;
  let atStart: DemoReport;

  beforeAll(async () => {
    demo = new DemoRun(['--for', '26']);
    atStart = await demo.started();
  });
  afterAll(() => demo?.child.end());

  test('GET /api/v1/breakers shows the breakers of all three services with their states', async () => {
    const shown = await waitUntil('all breakers with a state', async () => {
      const { items } = await demo.api<ListBody<SeenBreaker>>('breakers');
      return items.length === 4 && items.every(({ state }) => state !== null) && items;
    });
    expect(shown.map(({ service, breaker }) => `${service}/${breaker}`)).toEqual([
      'inventory/warehouse',
      'payments/bank',
      'shop/inventory',
      'shop/payments',
    ]);
    expect(atStart.breakers.map(({ service, breaker }) => `${service}/${breaker}`).sort()).toEqual(
      shown.map(({ service, breaker }) => `${service}/${breaker}`),
    );
  });

  test('each service serves its own breakers to Prometheus', async () => {
    const breakers = { shop: ['payments', 'inventory'], payments: ['bank'], inventory: ['warehouse'] };
    for (const [service, names] of Object.entries(breakers)) {
      const text = await (await fetch(atStart.urls.prometheus[service]!)).text();
      for (const name of names) expect(text).toContain(`breaker_status{breaker_name="${name}"`);
    }
  });

  test('only its user may read the file with the tokens', () => {
    expect(statSync(demo.jsonFile).mode & 0o777).toBe(0o600);
  });

  test('a fault trips a breaker, and the control plane shows it open with calls on the wire', async () => {
    await demo.child.waitForOutput(/TRIP {3}shop → payments/);
    await waitUntil('shop/payments open and buffering', async () => {
      const { items } = await demo.api<ListBody<SeenBreaker>>('breakers?service=shop&q=payments');
      return items[0]?.state === 'open' && items[0].wires.some(({ buffered }) => buffered > 0);
    });
  });

  test('it ends by itself with exit 0: tripped, reset, diverted, replayed and nothing lost', async () => {
    expect(await demo.child.ended, demo.child.output).toBe(0);
    const { summary, reasons } = demo.report();
    expect(reasons).toEqual([]);
    expect(summary).toMatchObject({ lost: 0, orders: { missing: 0 } });
    for (const name of ['calls', 'trips', 'resets', 'diverted', 'replayed'] as const) {
      expect(summary![name], name).toBeGreaterThan(0);
      expect(demo.child.output).toMatch(new RegExp(`^ {2}${name} +${summary![name]}\\b`, 'm'));
    }
    const { charged, receipts, accepted } = summary!.orders;
    expect(accepted).toBe(charged + receipts);
    expect(demo.child.output).toContain('RESET  shop → payments');
    expect(demo.child.output).toMatch(/DRAIN {2}shop → payments: wire "orders" is empty, \d+ calls replayed/);
    expect(demo.child.output).toContain('agrees on every state and count');
  });

  test('none of its processes stays', () => {
    for (const pid of Object.values(demo.report().pids)) expect(isAlive(pid)).toBe(false);
  });
});

describe('the demo, when its control plane is killed and the user ends it with Ctrl-C', () => {
  let demo: DemoRun;
  let before: DemoReport;
  let events: readonly SeenEvent[];
  let audit: ListBody<{ id: number }>;

  beforeAll(async () => {
    demo = new DemoRun();
    before = await demo.started();
  });
  afterAll(() => demo?.child.end());

  test('there are events, an override and an audit', async () => {
    await demo.child.waitForOutput(/TRIP {3}shop → payments/);
    await demo.api('breakers/inventory/warehouse/override', {
      method: 'PUT',
      body: { mode: 'forced_open', reason: 'stocktaking', expiresAt: new Date(Date.now() + 600_000).toISOString() },
    });
    await demo.child.waitForOutput(/inventory → warehouse: closed → forced_open/);
    await waitUntil('the trip in the history', async () => {
      events = (await demo.api<ListBody<SeenEvent>>('events')).items;
      return events.some(({ event }) => event === 'breaker.trip');
    });
    audit = await demo.api('audit');
    expect(audit.items).toHaveLength(1);
  });

  test('the services go on without it, and it comes back on the same port', async () => {
    process.kill(before.pids.controlPlane, 'SIGKILL');
    await demo.child.waitForOutput(/CONTROL PLANE ended by SIGKILL/);
    const answer = await fetch(`${before.urls.shop}/orders`, {
      method: 'POST',
      body: JSON.stringify({ number: 1_000_000, item: 'lamp', amount: 1 }),
    });
    expect([200, 202]).toContain(answer.status);
    await demo.child.waitForOutput(/CONTROL PLANE is back on the same data, process \d+/);
    const after = demo.report();
    expect(after.urls.controlPlane).toBe(before.urls.controlPlane);
    expect(after.pids.controlPlane).not.toBe(before.pids.controlPlane);
    expect(after.pids.shop).toBe(before.pids.shop);
    for (const service of ['shop', 'payments', 'inventory'] as const) expect(isAlive(before.pids[service])).toBe(true);
  });

  test('afterwards events, override and audit are there', async () => {
    const known = new Set((await demo.api<ListBody<SeenEvent>>('events?limit=1000')).items.map(({ id }) => id));
    expect(events.filter(({ id }) => !known.has(id))).toEqual([]);
    expect(await demo.api('audit')).toEqual(audit);
    const { override } = await demo.api<SeenBreaker>('breakers/inventory/warehouse');
    expect(override).toMatchObject({ mode: 'forced_open', reason: 'stocktaking', actor: 'operator' });
  });

  test('Ctrl-C ends it with exit 0 and the summary, with nothing lost', async () => {
    process.kill(before.pids.demo, 'SIGINT');
    expect(await demo.child.ended, demo.child.output).toBe(0);
    expect(demo.report()).toMatchObject({ summary: { lost: 0 }, reasons: [] });
    expect(demo.child.output).toMatch(/^Summary of \d+ s/m);
    for (const pid of Object.values(demo.report().pids)) expect(isAlive(pid)).toBe(false);
  });
});

describe('the demo, where it cannot run', () => {
  test('a port that is taken is one line that says what to do', async () => {
    const [port] = await freePorts(1);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const demo = runNode('src/demo/main.ts', ['--port', String(port), '--for', '12']);
    expect(await demo.ended).toBe(1);
    expect(demo.output).toContain(`demo: Port ${port} is taken`);
    expect(demo.output).toContain('--port 0');
    expect(demo.output.trimEnd().split('\n')).toHaveLength(1);
    await new Promise((resolve) => server.close(resolve));
  });

  test('a control plane that is not named is one line', async () => {
    const demo = runNode('src/demo/main.ts', ['--no-control-plane'], { env: { SWITCHGEAR_URL: undefined } });
    expect(await demo.ended).toBe(1);
    expect(demo.output).toBe('demo: --no-control-plane needs SWITCHGEAR_URL, the address of one that runs\n');
  });

  test('one that does not answer is one line', async () => {
    const [port] = await freePorts(1);
    const env = { SWITCHGEAR_URL: `http://127.0.0.1:${port}`, SWITCHGEAR_TOKEN: 'token-of-the-tests' };
    const demo = runNode('src/demo/main.ts', ['--no-control-plane'], { env });
    expect(await demo.ended).toBe(1);
    expect(demo.output).toMatch(/^demo: The control plane at \S+ does not answer: connect ECONNREFUSED .*\n$/);
  });

  test('killed without a chance to tidy up, it takes its processes along', async () => {
    const demo = new DemoRun();
    const { pids } = await demo.started();
    await demo.child.crash();
    await waitUntil('all of its processes to end', () => Object.values(pids).every((pid) => !isAlive(pid)));
  });
});
