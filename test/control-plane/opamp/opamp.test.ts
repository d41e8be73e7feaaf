import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { DEFAULT_SETTINGS } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AGENT, attribute, inFuture, inventory, opampAgent, type Started, startControlPlane } from '../app/support.ts';

const PAYMENTS = '/api/v1/breakers/shop/payments';

describe('OpAMP', () => {
  let plane: Started;
  beforeEach(async () => {
    plane = await startControlPlane();
  });
  afterEach(() => plane.controlPlane.stop());

  const lock = () =>
    plane.ask('PUT', `${PAYMENTS}/override`, {
      body: { mode: 'forced_open', reason: 'why', expiresAt: inFuture(60_000) },
    });
  const held = async () =>
    Number(/^switchgear_opamp_held (\d+)$/m.exec((await plane.ask('GET', '/metrics')).body)?.[1]);

  test('the first message with a description and an inventory makes the breaker known, with its settings', async () => {
    const agent = opampAgent(plane.url, 'shop');
    const { body, document } = await agent.send(agent.describe('payments'));
    expect(body).toMatchObject({ instanceUid: 'AAAAAAAAAAAAAAAAAAAAAA==', capabilities: '7' });
    expect(body.flags).toBeUndefined();
    expect(document).toEqual({ schema: 'switchgear.desired-state/v1', revision: 0, breakers: {} });
    const detail = await plane.ask('GET', PAYMENTS);
    expect(detail.body.byInstance[0]).toMatchObject({
      instance: 'shop-1',
      state: 'closed',
      settings: { cooldownMs: 30_000 },
    });
    expect((await plane.ask('GET', '/api/v1/agents')).body.items).toMatchObject([
      { service: 'shop', instance: 'shop-1', liveness: 'live', connected: true, breakers: 1 },
    ]);
  });

  test('a newer library and an older one of the same breaker are both taken, shown and steered', async () => {
    const older = opampAgent(plane.url, 'shop');
    await older.send(older.describe('payments'));
    const newer = opampAgent(plane.url, 'shop', `${'B'.repeat(21)}A==`);
    const description = newer.describe('payments', {
      settings: { ...DEFAULT_SETTINGS, bulkhead: { queue: 10 } },
      keys: 12,
    });
    description.agentDescription.identifyingAttributes[1] = attribute('service.instance.id', 'shop-2');
    expect((await newer.send(description)).status).toBe(200);
    const { byInstance } = (await plane.ask('GET', PAYMENTS)).body;
    expect(byInstance[0].settings).toMatchObject({ trip: { slowRatio: null }, halfOpen: { ramp: [] } });
    expect(byInstance[1].settings).toEqual(DEFAULT_SETTINGS);
    const body = { trip: { failureRatio: null, slowRatio: 0.4, slowMs: 500 }, halfOpen: { ramp: [0.5] } };
    expect((await plane.ask('PUT', `${PAYMENTS}/config`, { body })).status).toBe(200);
    // The older one has no slowRatio: without a failure ratio it would be left without any rule.
    const refused = await plane.ask('PUT', `${PAYMENTS}/config`, { body: { trip: { failureRatio: null } } });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: 'trip' }] } });
  });

  test('a first message that says too little, and a gap, are answered with the wish for the full state', async () => {
    const agent = opampAgent(plane.url, 'shop');
    expect((await agent.send()).body.flags).toBe('1');
    const { hash } = await agent.send(agent.describe('payments'));
    expect((await agent.send(agent.holds(hash))).body.flags).toBeUndefined();
    agent.skip();
    expect((await agent.send(agent.holds(hash), { wait: 5 })).body.flags).toBe('1');
    expect((await agent.send()).body.flags).toBe('1');
    expect((await agent.send(agent.describe('payments'))).body.flags).toBeUndefined();
  });

  test('the document is sent until the agent reports its hash, then no more', async () => {
    const agent = opampAgent(plane.url, 'shop');
    const first = await agent.send(agent.describe('payments'));
    expect((await agent.send()).hash).toBe(first.hash);
    expect((await agent.send(agent.holds(first.hash))).hash).toBeUndefined();
    expect((await agent.send()).hash).toBeUndefined();
    await lock();
    const next = await agent.send();
    expect(next.document.breakers.payments).toMatchObject({ revision: 1, override: { mode: 'forced_open' } });
  });

  test('a held poll is answered within a fraction of a second of the change', async () => {
    const agent = opampAgent(plane.url, 'shop');
    const { hash } = await agent.send(agent.describe('payments'));
    const poll = agent.send(agent.holds(hash), { wait: 25 });
    await vi.waitFor(async () => expect(await held()).toBe(1));
    const start = performance.now();
    await lock();
    const { document } = await poll;
    expect(performance.now() - start).toBeLessThan(500);
    expect(document.breakers.payments.override).toMatchObject({ mode: 'forced_open', actor: 'operator' });
  });

  test('a held poll sleeps through the changes of another service, and ends with its wait', async () => {
    const other = opampAgent(plane.url, 'other', `${'B'.repeat(21)}A==`);
    await other.send(other.describe('payments'));
    const agent = opampAgent(plane.url, 'shop');
    const { hash } = await agent.send(agent.describe('payments'));
    const start = performance.now();
    const poll = agent.send(agent.holds(hash), { wait: 1 });
    await plane.ask('POST', '/api/v1/breakers/other/payments/trip', { body: { reason: 'drill' } });
    const { hash: news } = await poll;
    expect(news).toBeUndefined();
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  test('a poll whose connection is dropped is let go', async () => {
    const agent = opampAgent(plane.url, 'shop');
    const { hash } = await agent.send(agent.describe('payments'));
    const abort = new AbortController();
    const poll = agent.send(agent.holds(hash), { wait: 25, signal: abort.signal });
    await vi.waitFor(async () => expect(await held()).toBe(1));
    abort.abort();
    await expect(poll).rejects.toThrow();
    await vi.waitFor(async () => expect(await held()).toBe(0));
  });

  test("an agent's next message ends its older poll", async () => {
    const agent = opampAgent(plane.url, 'shop');
    const { hash } = await agent.send(agent.describe('payments'));
    const poll = agent.send(agent.holds(hash), { wait: 25 });
    await vi.waitFor(async () => expect(await held()).toBe(1));
    await agent.send(agent.holds(hash));
    expect((await poll).status).toBe(200);
    expect(await held()).toBe(0);
  });

  test('what an agent could not apply is visible with its words', async () => {
    const agent = opampAgent(plane.url, 'shop');
    const { hash } = await agent.send(agent.describe('payments'));
    await agent.send({
      remoteConfigStatus: {
        lastRemoteConfigHash: hash,
        status: 'RemoteConfigStatuses_FAILED',
        errorMessage: 'no such thing',
      },
    });
    const { body } = await plane.ask('GET', '/api/v1/agents');
    expect(body.items[0].remoteConfig).toEqual({ status: 'failed', error: 'no such thing' });
    expect((await plane.ask('GET', '/metrics')).body).toMatch(/^switchgear_opamp_config_failures_total 1$/m);
  });

  test('a revision that an instance reports as applied shows in the delivery', async () => {
    const agent = opampAgent(plane.url, 'shop');
    await agent.send(agent.describe('payments'));
    await lock();
    expect((await plane.ask('GET', PAYMENTS)).body.delivery).toMatchObject({ revision: 1, pending: 1, applied: 0 });
    await agent.send(agent.describe('payments', { applied: { revision: 1, status: 'applied' } }));
    expect((await plane.ask('GET', PAYMENTS)).body.delivery).toMatchObject({ revision: 1, pending: 0, applied: 1 });
  });

  test('an agent that says goodbye is gone at once', async () => {
    const agent = opampAgent(plane.url, 'shop');
    await agent.send(agent.describe('payments'));
    await agent.send({ agentDisconnect: {} });
    expect((await plane.ask('GET', '/api/v1/agents')).body.items[0]).toMatchObject({
      liveness: 'gone',
      connected: false,
    });
  });

  test.each([
    ['no instance UID', { instanceUid: undefined }, 'instanceUid'],
    ['a short instance UID', { instanceUid: 'AAAA' }, 'instanceUid'],
    ['a number that is none', { sequenceNum: 'many' }, 'sequenceNum'],
    ['a list where an object belongs', { agentDescription: [] }, 'agentDescription'],
    ['an unknown status', { remoteConfigStatus: { status: 'GREAT' } }, 'remoteConfigStatus.status'],
    [
      'no service name',
      { agentDescription: { identifyingAttributes: [attribute('service.version', '1')] } },
      'agentDescription.identifyingAttributes.service.name',
    ],
  ])('%s is refused with the field at fault', async (_, parts, field) => {
    const agent = opampAgent(plane.url, 'shop');
    const { status, body } = await agent.send(parts);
    expect(status).toBe(400);
    expect(body.errors[0].field).toBe(field);
  });

  test.each([
    ['an unknown state', inventory('payments', { state: 'ajar' }), 'inventory.json.breakers.payments.state'],
    ['a missing setting', inventory('payments', { settings: {} }), 'inventory.json.breakers.payments.settings.trip'],
    ['a bad name', inventory(' payments'), 'inventory.json.breakers. payments'],
    ['another schema', { schema: 'v9', breakers: {} }, 'inventory.json.schema'],
  ])('an inventory with %s is refused, and nothing of it is taken', async (_, bad, field) => {
    const agent = opampAgent(plane.url, 'shop');
    const message = agent.describe('payments');
    message.effectiveConfig.configMap.configMap['inventory.json'].body = Buffer.from(JSON.stringify(bad)).toString(
      'base64',
    );
    const { status, body } = await agent.send(message);
    expect(status).toBe(400);
    expect(body.errors[0].field).toBe(field);
    expect((await plane.ask('GET', '/api/v1/agents')).body.items).toEqual([]);
  });

  test.each([
    ['another content type', 415, 'text/plain', 'hello'],
    ['no JSON', 400, 'application/json', '{'],
    ['a truncated protobuf', 400, 'application/x-protobuf', '\u000a\u0010abc'],
    ['more than 4 MiB', 413, 'application/json', ' '.repeat(4 * 1024 * 1024 + 1)],
  ])('%s is refused with %i', async (_, status, contentType, raw) => {
    const answer = await plane.ask('POST', '/v1/opamp', {
      token: AGENT,
      raw,
      headers: { 'content-type': contentType },
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test('a standard client speaks protobuf', async () => {
    const answer = await fetch(`${plane.url}/v1/opamp`, {
      method: 'POST',
      headers: { authorization: `Bearer ${AGENT}`, 'content-type': 'application/x-protobuf' },
      body: protobufMessage('shop', 'payments'),
    });
    expect(answer.headers.get('content-type')).toBe('application/x-protobuf');
    const message = fieldsOf(new Uint8Array(await answer.arrayBuffer()));
    expect(Buffer.from(message[1] as Uint8Array).toString('hex')).toBe('07'.repeat(16));
    expect(message[7]).toBe(7);
    const remoteConfig = fieldsOf(message[3] as Uint8Array);
    expect((remoteConfig[2] as Uint8Array).length).toBe(32);
    const entry = fieldsOf(fieldsOf(remoteConfig[1] as Uint8Array)[1] as Uint8Array);
    expect(Buffer.from(entry[1] as Uint8Array).toString()).toBe('desired-state.json');
    const file = fieldsOf(entry[2] as Uint8Array);
    expect(JSON.parse(Buffer.from(file[1] as Uint8Array).toString())).toMatchObject({ revision: 0 });
    expect((await plane.ask('GET', PAYMENTS)).body.byInstance[0].instance).toBe('07'.repeat(16));
  });
});

/** AgentToServer as opamp.proto numbers it, with a field of a later version that has to be read over. */
function protobufMessage(service: string, breaker: string): Uint8Array<ArrayBuffer> {
  const nested = (writer: BinaryWriter, field: number) => writer.tag(field, WireType.LengthDelimited).fork();
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).bytes(new Uint8Array(16).fill(7));
  writer.tag(2, WireType.Varint).uint64(1);
  nested(nested(writer, 3), 1).tag(1, WireType.LengthDelimited).string('service.name');
  nested(writer, 2).tag(1, WireType.LengthDelimited).string(service);
  writer.join().join().join();
  writer.tag(4, WireType.Varint).uint64(4103);
  nested(nested(nested(writer, 6), 1), 1)
    .tag(1, WireType.LengthDelimited)
    .string('inventory.json');
  nested(writer, 2)
    .tag(1, WireType.LengthDelimited)
    .bytes(Buffer.from(JSON.stringify(inventory(breaker))));
  writer.tag(2, WireType.LengthDelimited).string('application/json').join().join().join().join();
  writer.tag(99, WireType.LengthDelimited).string('from the future');
  return writer.finish();
}

function fieldsOf(bytes: Uint8Array): Record<number, Uint8Array | number> {
  const reader = new BinaryReader(bytes);
  const fields: Record<number, Uint8Array | number> = {};
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    fields[field] = type === WireType.Varint ? Number(reader.uint64()) : reader.bytes();
  }
  return fields;
}
