import { expect, test, vi } from 'vitest';
import { HeldPolls, type HoldRequest } from '../../../src/control-plane/opamp/held-polls.ts';

const request = (agent: string, parts: Partial<HoldRequest> = {}): HoldRequest => ({
  agent,
  service: 'shop',
  waitMs: 60_000,
  hasNews: () => true,
  disconnected: new AbortController().signal,
  ...parts,
});

test('beyond its room a poll is not held, and there is room again once one was let go', async () => {
  const polls = new HeldPolls({ max: 1 });
  const first = polls.hold(request('a'));
  expect(polls.hold(request('b'))).toBeNull();
  polls.wake('shop');
  expect(await first).toBe('changed');
  expect(polls.hold(request('b'))).not.toBeNull();
  polls.stop();
});

test('only who has something to hear is woken', async () => {
  const polls = new HeldPolls();
  const deaf = polls.hold(request('a', { hasNews: () => false }));
  const keen = polls.hold(request('b'));
  polls.wake('other');
  expect(polls.size).toBe(2);
  polls.wake('shop');
  expect(await keen).toBe('changed');
  expect(polls.size).toBe(1);
  polls.stop();
  expect(await deaf).toBe('stopped');
  expect(await polls.hold(request('c'))).toBe('stopped');
});

test('a wait ends by itself, and a connection that is already gone is not waited for', async () => {
  vi.useFakeTimers();
  const polls = new HeldPolls();
  const poll = polls.hold(request('a', { waitMs: 25_000 }));
  vi.advanceTimersByTime(25_000);
  expect(await poll).toBe('elapsed');
  expect(await polls.hold(request('a', { disconnected: AbortSignal.abort() }))).toBe('disconnected');
  expect(polls.size).toBe(0);
  vi.useRealTimers();
});
