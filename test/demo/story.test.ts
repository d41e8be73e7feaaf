import type { WireStats } from '@switchgear/breaker';
import { CALL_OUTCOMES } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import type { BreakerReport } from '../../src/demo/messages.ts';
import { Story } from '../../src/demo/story.ts';

test('a trip, what was diverted meanwhile, the reset and the drain are one sentence each', () => {
  const { story, told, passMs } = begin();
  story.stats('shop', [report({ buffered: 10, replayed: 10 })]);
  story.transition('shop', transition('closed', 'open', 'threshold'));
  story.stats('shop', [report({ buffered: 60, replayed: 10, depth: 50 })]);
  passMs(1_500);
  story.transition('shop', transition('open', 'half_open', 'cooldown'));
  story.transition('shop', transition('half_open', 'open', 'probe_failed'));
  passMs(1_500);
  story.stats('shop', [report({ buffered: 110, replayed: 10, depth: 100 })]);
  story.transition('shop', transition('open', 'half_open', 'cooldown'));
  story.transition('shop', transition('half_open', 'closed', 'probes_passed'));
  story.stats('shop', [report({ buffered: 110, replayed: 110, depth: 0 })]);
  expect(told).toEqual([
    'TRIP   shop → payments: half of its calls failed',
    'RESET  shop → payments: its probes passed after 3.0 s, 100 calls over wire "orders", 1 failed probe',
    'DRAIN  shop → payments: wire "orders" is empty, 100 calls replayed (100 held at most)',
  ]);
});

test('what an operator does is told as such', () => {
  const { story, told } = begin();
  story.transition('shop', transition('closed', 'forced_open', 'desired_state'));
  expect(told).toEqual(['       shop → payments: closed → forced_open, the control plane asked for it']);
});

test.each([
  ['threshold', 'half of its calls failed'],
  ['slow', 'half of its calls were slow'],
  ['consecutive', 'too many of its calls failed in a row'],
] as const)('a trip for %s says so', (reason, why) => {
  const { story, told } = begin();
  story.transition('shop', transition('closed', 'open', reason));
  expect(told).toEqual([`TRIP   shop → payments: ${why}`]);
});

test('breakers of the same name in two services are two stories', () => {
  const { story, told } = begin();
  story.transition('shop', transition('closed', 'open', 'threshold'));
  story.transition('inventory', transition('closed', 'open', 'threshold'));
  expect(told).toHaveLength(2);
});

function begin() {
  let now = 0;
  const told: string[] = [];
  const story = new Story(
    (text) => told.push(text),
    () => now,
  );
  return {
    story,
    told,
    passMs(ms: number) {
      now += ms;
    },
  };
}

type Transition = Parameters<Story['transition']>[1];

function transition(from: Transition['from'], to: Transition['to'], reason: Transition['reason']): Transition {
  return { type: 'transition', breaker: 'payments', from, to, reason };
}

function report(counts: Partial<WireStats>): BreakerReport {
  const none = { served: 0, buffered: 0, failed: 0, replayed: 0, retried: 0, dead: 0, dropped: 0, depth: 0 };
  const calls = Object.fromEntries(CALL_OUTCOMES.map((outcome) => [outcome, 0])) as BreakerReport['stats']['calls'];
  return {
    breaker: 'payments',
    state: 'closed',
    stats: { calls, transitions: [], wires: [{ name: 'orders', kind: 'buffer', ...none, ...counts }] },
  };
}
