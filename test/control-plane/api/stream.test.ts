import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StreamHub } from '../../../src/control-plane/api/stream-hub.ts';
import type { BreakerView } from '../../../src/control-plane/fleet/view.ts';
import { eventLogs, OPERATOR, type Started, startControlPlane, statusMetrics } from '../app/support.ts';

interface Message {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly data: any;
}

describe('the stream', () => {
  let plane: Started;
  let abort: AbortController;

  beforeEach(async () => {
    abort = new AbortController();
    plane = await startControlPlane();
    await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'closed') });
  });
  afterEach(async () => {
    abort.abort();
    await plane.controlPlane.stop();
  });

  async function follow(query = ''): Promise<Message[]> {
    const response = await fetch(`${plane.url}/api/v1/stream${query}`, {
      headers: { authorization: `Bearer ${OPERATOR}` },
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const messages: Message[] = [];
    void collect(response, messages).catch(() => {});
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    return messages;
  }

  const find = (messages: Message[], event: string) =>
    vi.waitFor(() => messages.find((message) => message.event === event) ?? Promise.reject(new Error(`no ${event}`)));

  test('it begins with a snapshot and goes on with changes, events and audit', async () => {
    const messages = await follow();
    expect(messages[0]).toMatchObject({
      event: 'snapshot',
      data: { items: [{ breaker: 'payments', state: 'closed' }] },
    });
    await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'open', Date.now() + 1) });
    const change = await find(messages, 'breaker');
    expect(change.data).toMatchObject({ service: 'shop', breaker: 'payments', state: 'open' });
    expect(change.data).not.toHaveProperty('byInstance');
    await plane.ask('POST', '/v1/logs', { body: eventLogs('shop', 'payments', ['breaker.trip']) });
    expect((await find(messages, 'event')).data).toMatchObject({ event: 'breaker.trip', service: 'shop' });
    await plane.ask('POST', '/api/v1/breakers/shop/payments/trip', { body: { reason: 'drill' } });
    expect((await find(messages, 'audit')).data).toMatchObject({ action: 'trip', reason: 'drill', revision: 1 });
    expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  });

  test('with a service it tells of that service alone', async () => {
    const messages = await follow('?service=other');
    expect(messages[0]?.data.items).toEqual([]);
    await plane.ask('POST', '/v1/logs', { body: eventLogs('shop', 'payments', ['breaker.trip']) });
    await plane.ask('POST', '/v1/logs', { body: eventLogs('other', 'payments', ['breaker.reset']) });
    await find(messages, 'event');
    expect(messages.filter(({ data }) => data.service === 'shop')).toEqual([]);
  });

  test('a burst of changes to one breaker is one message', async () => {
    const messages = await follow();
    for (const state of ['open', 'half_open', 'open', 'closed', 'open']) {
      await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', state, Date.now() + 1) });
    }
    await find(messages, 'breaker');
    await delay(250);
    const changes = messages.filter(({ event }) => event === 'breaker');
    expect(changes.length).toBeLessThanOrEqual(2);
    expect(changes.at(-1)?.data.state).toBe('open');
  });

  test('a stop ends the stream', async () => {
    const response = await fetch(`${plane.url}/api/v1/stream`, { headers: { authorization: `Bearer ${OPERATOR}` } });
    const whole = response.text();
    await plane.controlPlane.stop();
    expect(await whole).toContain('event: snapshot');
  });
});

describe('the hub of streams', () => {
  test('a client that does not keep up is disconnected and counted, others stay', () => {
    const hub = new StreamHub({ snapshot: () => [], view: () => undefined, maxBufferBytes: 1_000 });
    const slow = fakeResponse(0);
    const quick = fakeResponse(0);
    hub.connect(slow.response, undefined);
    hub.connect(quick.response, undefined);
    slow.setBuffered(1_001);
    hub.event({ service: 'shop' } as Parameters<StreamHub['event']>[0]);
    expect(slow.destroy).toHaveBeenCalledOnce();
    expect(quick.destroy).not.toHaveBeenCalled();
    expect({ size: hub.size, dropped: hub.dropped }).toEqual({ size: 1, dropped: 1 });
    hub.stop();
  });

  test('beyond its room a client is turned away', () => {
    const hub = new StreamHub({ snapshot: () => [] as BreakerView[], view: () => undefined, maxClients: 1 });
    hub.connect(fakeResponse(0).response, undefined);
    expect(() => hub.connect(fakeResponse(0).response, undefined)).toThrow('Too many clients');
    hub.stop();
  });
});

function fakeResponse(initial: number) {
  let buffered = initial;
  const destroy = vi.fn();
  const response = {
    get writableLength() {
      return buffered;
    },
    status: () => response,
    set: () => response,
    on: () => response,
    write: vi.fn(),
    end: vi.fn(),
    destroy,
  };
  return {
    response: response as unknown as Parameters<StreamHub['connect']>[0],
    destroy,
    setBuffered: (bytes: number) => {
      buffered = bytes;
    },
  };
}

async function collect(response: Response, into: Message[]): Promise<void> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split('\n\n');
    text = parts.pop()!;
    for (const part of parts) {
      const fields = Object.fromEntries(
        part.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
      );
      if (fields.event) into.push({ id: fields.id!, event: fields.event, data: JSON.parse(fields.data!) });
    }
  }
}
