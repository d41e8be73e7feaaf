import { ManualClock } from '@switchgear/breaker/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Announcement, Publisher } from '../../../src/breaker/publisher.ts';
import { Announcements } from '../../../src/breaker/threads/announcements.ts';

describe('announcements', () => {
  let clock: ManualClock;
  let heard: string[];
  let publisher: Publisher;
  let announcements: Announcements;

  beforeEach(() => {
    clock = new ManualClock();
    heard = [];
    publisher = new Publisher('announced', false);
    publisher.onTransition(({ from, to }) => heard.push(`${from}-${to}`));
    announcements = new Announcements('announcements-test', publisher, clock, 1);
  });

  afterEach(() => announcements.close());

  test('are published at once where nothing is missing', () => {
    publisher.transitioned(record(2, 'closed', 'open'));
    publisher.transitioned(record(3, 'open', 'half_open'));
    expect(heard).toEqual(['closed-open', 'open-half_open']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('wait for the ones that were decided before them, in whatever order they come', () => {
    publisher.transitioned(record(4, 'half_open', 'closed'));
    publisher.transitioned(record(3, 'open', 'half_open'));
    expect(heard).toEqual([]);
    publisher.transitioned(record(2, 'closed', 'open'));
    expect(heard).toEqual(['closed-open', 'open-half_open', 'half_open-closed']);
  });

  test('wait a tenth of a second, no longer, for one whose thread ended before it could tell', async () => {
    publisher.transitioned(record(5, 'closed', 'open'));
    publisher.transitioned(record(4, 'half_open', 'closed'));
    await clock.advance(99);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual(['half_open-closed', 'closed-open']);
    publisher.transitioned(record(6, 'open', 'half_open'));
    expect(heard.at(-1)).toBe('open-half_open');
  });

  test('of another thread are published in the same order', async () => {
    const other: Announcement[] = [
      { kind: 'transition', record: record(3, 'open', 'half_open') },
      { kind: 'transition', record: record(2, 'closed', 'open') },
    ];
    const channel = new BroadcastChannel('announcements-test');
    for (const announcement of other) channel.postMessage(announcement);
    await expect.poll(() => heard).toEqual(['closed-open', 'open-half_open']);
    channel.close();
  });

  test('of a trip in shadow, which is no transition, wait for nothing', () => {
    publisher.shadowTripped(record(9, 'shadow', 'shadow'));
    publisher.transitioned(record(2, 'closed', 'open'));
    expect(heard).toEqual(['closed-open']);
  });
});

function record(
  generation: number,
  from: Announcement['record']['from'],
  to: Announcement['record']['to'],
): Announcement['record'] {
  return {
    from,
    to,
    reason: 'operator',
    at: 0,
    generation,
    note: undefined,
    window: { executed: 0, failed: 0, slow: 0, consecutive: 0 },
    cooldownMs: 0,
    openMs: undefined,
    meanwhile: undefined,
  };
}
