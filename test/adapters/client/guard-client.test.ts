import { EventEmitter } from 'node:events';
import {
  type Breaker,
  BreakerOpenError,
  CallTimeoutError,
  cacheWire,
  createBreaker,
  fallbackWire,
  InvalidInputError,
} from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { afterEach, expect, test } from 'vitest';
import { guardClient } from '../../../src/adapters/client/index.ts';
import type { OutgoingCall } from '../../../src/adapters/outgoing/outgoing-call.ts';
import { isUnguarded, unguarded } from '../../../src/adapters/outgoing/unguarded.ts';

/** With private members, as the clients of today have them. */
class MailClient extends EventEmitter {
  static readonly kind = 'mail';
  readonly #sent: string[] = [];
  retries = 3;

  async send(to: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<string> {
    signal?.throwIfAborted();
    if (to === 'nobody') throw new RangeError('there is nobody');
    if (to === 'never')
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    this.#sent.push(to);
    return `sent to ${to}`;
  }

  async sendTwice(to: string): Promise<string[]> {
    return [await this.send(to), await this.send(to)];
  }

  async inside(): Promise<boolean> {
    await undefined;
    return isUnguarded();
  }

  sentTo(): readonly string[] {
    return this.#sent;
  }

  withRetries(retries: number): this {
    this.retries = retries;
    return this;
  }
}

const breakers: Breaker[] = [];
afterEach(() => Promise.all(breakers.splice(0).map((breaker) => breaker.close())));

function newBreaker(options: Parameters<typeof createBreaker>[1] = {}): Breaker {
  const breaker = createBreaker(`mail-${breakers.length}`, { telemetry: 'off', ...options }) as Breaker;
  breakers.push(breaker);
  return breaker;
}

test('a guarded method gives what it gave before, and throws the very error', async () => {
  const seen: unknown[] = [];
  const breaker = newBreaker({ isFailure: (error) => seen.push(error) > 0 });
  const mail = guardClient(new MailClient(), breaker, { methods: ['send'] });
  expect(await mail.send('jo')).toBe('sent to jo');
  const error = await mail.send('nobody').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RangeError);
  expect(seen[0]).toBe(error);
  expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 1 });
});

test('while the breaker is open the method is not run', async () => {
  const breaker = newBreaker();
  const client = new MailClient();
  const mail = guardClient(client, breaker, { methods: ['send'] });
  breaker.trip();
  await expect(mail.send('jo')).rejects.toBeInstanceOf(BreakerOpenError);
  expect(client.sentTo()).toEqual([]);
});

test('the other members are the client’s own', async () => {
  const breaker = newBreaker();
  const client = new MailClient();
  const mail = guardClient(client, breaker, { methods: ['send'] });
  expect(mail).toBeInstanceOf(MailClient);
  expect(mail.retries).toBe(3);
  mail.retries = 5;
  expect(client.retries).toBe(5);
  await mail.send('jo');
  expect(mail.sentTo()).toEqual(['jo']);
  expect(mail.sentTo).toBe(mail.sentTo);
  expect('send' in mail && Object.keys(mail).includes('retries')).toBe(true);
  const heard: string[] = [];
  mail.on('sent', (to: string) => heard.push(to));
  client.emit('sent', 'jo');
  expect(heard).toEqual(['jo']);
  expect(breaker.stats().calls.success).toBe(1);
});

test('a method that returns its client returns the guarded one', async () => {
  const breaker = newBreaker();
  const mail = guardClient(new MailClient(), breaker, { methods: ['send'] });
  await mail.withRetries(1).send('jo');
  expect(breaker.stats().calls.success).toBe(1);
});

test('a method that calls a guarded one from within is its own business', async () => {
  const breaker = newBreaker();
  const mail = guardClient(new MailClient(), breaker, { methods: ['send', 'sendTwice'] });
  expect(await mail.sendTwice('jo')).toEqual(['sent to jo', 'sent to jo']);
  expect(breaker.stats().calls.success).toBe(1);
});

test('what a guarded method calls on its way is not guarded a second time', async () => {
  const mail = guardClient(new MailClient(), newBreaker(), { methods: ['inside'] });
  expect(await mail.inside()).toBe(true);
  expect(isUnguarded()).toBe(false);
});

test('a breaker is chosen for each call, and none where it is to be left alone', async () => {
  const breaker = newBreaker();
  const calls: OutgoingCall[] = [];
  const choose = (call: OutgoingCall) => {
    calls.push(call);
    return call.method === 'send' ? breaker : undefined;
  };
  const mail = guardClient(new MailClient(), choose, { methods: ['send', 'inside'], name: 'mail' });
  await mail.send('jo');
  expect(await mail.inside()).toBe(false);
  await unguarded(() => mail.send('jo'));
  expect(calls).toEqual(
    ['send', 'inside'].map((method) => ({ client: 'mail', method, origin: '', host: '', path: '' })),
  );
  expect(breaker.stats().calls.success).toBe(1);
});

test('a call that its caller gives up is cancelled', async () => {
  const breaker = newBreaker();
  const mail = guardClient(new MailClient(), breaker, { methods: ['send'] });
  const caller = new AbortController();
  const given = mail.send('never', { signal: caller.signal }).catch((thrown: unknown) => thrown);
  caller.abort('no longer');
  expect(await given).toBe('no longer');
  expect(breaker.stats().calls).toMatchObject({ cancelled: 1, failure: 0 });
});

test('a caller waits no longer than the breaker’s timeout', async () => {
  const clock = new ManualClock();
  const breaker = newBreaker({ timeoutMs: 100, clock });
  const mail = guardClient(new MailClient(), breaker, { methods: ['send'] });
  const late = mail.send('never').catch((thrown: unknown) => thrown);
  await clock.advance(100);
  expect(await late).toBeInstanceOf(CallTimeoutError);
});

test('wires answer, and are told what was asked', async () => {
  const inputs: unknown[] = [];
  const fallback = fallbackWire(({ input }) => {
    inputs.push(input);
    return 'kept for later';
  });
  const breaker = newBreaker({ neutralWires: [cacheWire(), fallback] });
  const mail = guardClient(new MailClient(), breaker, { methods: ['send'], name: 'mail' });
  await mail.send('jo');
  breaker.trip();
  // A client has no word for a stale answer.
  expect(await mail.send('jo')).toBe('sent to jo');
  expect(await mail.send('flo')).toBe('kept for later');
  expect(inputs).toEqual([{ client: 'mail', method: 'send', origin: '', host: '', path: '', args: ['flo'] }]);
});

test('a method that the client does not have is refused by its name', () => {
  const guarding = () => guardClient(new MailClient(), newBreaker(), { methods: ['sent' as 'send'], name: '' });
  expect(guarding).toThrow(InvalidInputError);
  expect(guarding).toThrow('`methods[0]` must be a method of the client that can be replaced, got "sent"');
  expect(guarding).toThrow('`name` must be a string of 1 to 120 characters, got ""');
});
