import { type BreakerSettings, DEFAULT_SETTINGS } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import {
  type Decision,
  initialState,
  type MachineEvent,
  type MachineState,
  type Permit,
} from '../../../src/breaker/machine/state.ts';
import { POSSIBLE_TRANSITIONS, transition } from '../../../src/breaker/machine/transition.ts';

const SETTINGS: BreakerSettings = {
  ...DEFAULT_SETTINGS,
  trip: { ...DEFAULT_SETTINGS.trip, failureRatio: 0.5, minimumCalls: 4, failures: null },
  cooldownMs: 1_000,
  halfOpen: { probes: 2, probeTimeoutMs: 500 },
};
const PERMIT: Permit = { generation: 1, lease: null };

function step(state: MachineState, event: MachineEvent, now = 0, settings = SETTINGS): Decision {
  return transition(state, event, now, settings);
}

/** What a decision did, in words. */
function effectsOf({ effects }: Decision): string[] {
  return effects.map((effect) => {
    if (effect.type === 'transition') return `${effect.from.kind} -> ${effect.to.kind} (${effect.reason})`;
    if (effect.type === 'deny') return `deny ${effect.retryAfterMs}`;
    if (effect.type === 'admit') return effect.permit.lease === null ? 'admit' : `probe ${effect.permit.lease}`;
    return effect.type;
  });
}

function failed(executed: number, failures: number, permit = PERMIT): MachineEvent {
  return { type: 'failed', permit, counts: { executed, failed: failures } };
}

const closed = initialState(0);
const open = step(closed, { type: 'trip', reason: 'operator' }, 0).state;
const halfOpen = step(open, { type: 'call' }, 1_000).state;
const probe = (lease: number): Permit => ({ generation: halfOpen.generation, lease });

describe('closed', () => {
  test('lets every call through on a permit of its generation', () => {
    expect(step(closed, { type: 'call' }).effects).toEqual([{ type: 'admit', permit: PERMIT }]);
  });

  test('trips when the failure ratio reaches its threshold', () => {
    expect(effectsOf(step(closed, failed(4, 2)))).toEqual(['closed -> open (threshold)']);
    expect(effectsOf(step(closed, failed(5, 2)))).toEqual([]);
  });

  test('does not judge the ratio below the minimum volume', () => {
    expect(effectsOf(step(closed, failed(3, 3)))).toEqual([]);
  });

  test('trips at the count of failures, whatever the volume', () => {
    const settings = { ...SETTINGS, trip: { ...SETTINGS.trip, failures: 2 } };
    expect(effectsOf(step(closed, failed(1, 1), 0, settings))).toEqual([]);
    expect(effectsOf(step(closed, failed(2, 2), 0, settings))).toEqual(['closed -> open (threshold)']);
  });

  test('with the ratio turned off trips by the count alone', () => {
    const settings = { ...SETTINGS, trip: { ...SETTINGS.trip, failureRatio: null, failures: 5 } };
    expect(effectsOf(step(closed, failed(4, 4), 0, settings))).toEqual([]);
    expect(effectsOf(step(closed, failed(500, 5), 0, settings))).toEqual(['closed -> open (threshold)']);
  });

  test('a reset does nothing', () => {
    expect(step(closed, { type: 'reset', reason: 'operator' })).toEqual({ state: closed, effects: [] });
  });

  test('a success, a tick and a released permit change nothing', () => {
    for (const type of ['succeeded', 'released'] as const) {
      expect(step(closed, { type, permit: PERMIT })).toEqual({ state: closed, effects: [] });
    }
    expect(step(closed, { type: 'tick' }, 1e9)).toEqual({ state: closed, effects: [] });
  });
});

describe('open', () => {
  test('refuses calls and says for how long', () => {
    expect(effectsOf(step(open, { type: 'call' }, 400))).toEqual(['deny 600']);
    expect(effectsOf(step(open, { type: 'call' }, 999.5))).toEqual(['deny 0.5']);
  });

  test('turns half-open with the first call after its cooldown, and that call is a probe', () => {
    expect(effectsOf(step(open, { type: 'call' }, 1_000))).toEqual(['open -> half_open (cooldown)', 'probe 1']);
  });

  test('a trip while open neither trips again nor extends the cooldown', () => {
    expect(step(open, { type: 'trip', reason: 'operator' }, 900)).toEqual({ state: open, effects: [] });
  });

  test('a failure while open neither trips again nor extends the cooldown, old permit or new', () => {
    expect(step(open, failed(100, 100), 900)).toEqual({ state: open, effects: [] });
    expect(step(open, failed(100, 100, { generation: open.generation, lease: null }), 900).state).toBe(open);
  });

  test('an operator resets it', () => {
    expect(effectsOf(step(open, { type: 'reset', reason: 'operator' }, 10))).toEqual(['open -> closed (operator)']);
  });
});

describe('half-open', () => {
  test('hands out as many probes as it needs good ones, and refuses the rest until the next deadline', () => {
    const second = step(halfOpen, { type: 'call' }, 1_100);
    expect(effectsOf(second)).toEqual(['probe 2']);
    expect(effectsOf(step(second.state, { type: 'call' }, 1_200))).toEqual(['deny 300']);
  });

  test('closes when all probes came back good', () => {
    const two = step(halfOpen, { type: 'call' }, 1_000).state;
    const one = step(two, { type: 'succeeded', permit: probe(1) }, 1_010);
    expect(one.effects).toEqual([]);
    expect(effectsOf(step(one.state, { type: 'succeeded', permit: probe(2) }, 1_020))).toEqual([
      'half_open -> closed (probes_passed)',
    ]);
  });

  test('a good probe counts once, though its result came twice', () => {
    const one = step(halfOpen, { type: 'succeeded', permit: probe(1) }, 1_010).state;
    expect(step(one, { type: 'succeeded', permit: probe(1) }, 1_020)).toEqual({ state: one, effects: [] });
  });

  test('opens again for a whole cooldown when one probe fails', () => {
    const again = step(halfOpen, failed(1, 1, probe(1)), 1_300);
    expect(effectsOf(again)).toEqual(['half_open -> open (probe_failed)']);
    expect(again.state).toMatchObject({ kind: 'open', until: 2_300 });
  });

  test('a probe past its deadline has failed, whoever notices', () => {
    expect(effectsOf(step(halfOpen, { type: 'tick' }, 1_499))).toEqual([]);
    expect(effectsOf(step(halfOpen, { type: 'tick' }, 1_500))).toEqual(['half_open -> open (probe_failed)']);
    expect(effectsOf(step(halfOpen, { type: 'call' }, 1_500))).toEqual([
      'half_open -> open (probe_failed)',
      'deny 1000',
    ]);
    expect(effectsOf(step(halfOpen, { type: 'succeeded', permit: probe(1) }, 1_500))).toEqual([
      'half_open -> open (probe_failed)',
    ]);
  });

  test('an ignored or cancelled probe gives its permit back and decides nothing', () => {
    const released = step(halfOpen, { type: 'released', permit: probe(1) }, 1_100);
    expect(released.effects).toEqual([]);
    expect(released.state).toMatchObject({ kind: 'half_open', good: 0, leases: [] });
    expect(effectsOf(step(released.state, { type: 'call' }, 1_200))).toEqual(['probe 2']);
  });

  test('an operator trips it and resets it', () => {
    expect(effectsOf(step(halfOpen, { type: 'trip', reason: 'operator' }, 1_100))).toEqual([
      'half_open -> open (operator)',
    ]);
    expect(effectsOf(step(halfOpen, { type: 'reset', reason: 'operator' }, 1_100))).toEqual([
      'half_open -> closed (operator)',
    ]);
  });
});

describe('a result of an older generation', () => {
  test('a late success never closes', () => {
    expect(step(halfOpen, { type: 'succeeded', permit: { generation: 1, lease: 1 } }, 1_100).state).toBe(halfOpen);
  });

  test('a late failure never reopens, however many failures the window holds', () => {
    const again = step(open, { type: 'reset', reason: 'operator' }, 10).state;
    expect(step(again, failed(100, 100, PERMIT), 20)).toEqual({ state: again, effects: [] });
    expect(step(halfOpen, failed(100, 100, PERMIT), 1_100).state).toBe(halfOpen);
  });
});

describe('modes', () => {
  const hold = (mode: 'forced_open' | 'disabled' | 'shadow', from = closed) =>
    step(from, { type: 'mode', mode, reason: 'operator' }, 50).state;
  const release: MachineEvent = { type: 'mode', mode: 'auto', reason: 'operator' };

  test('forced open refuses all calls without a time', () => {
    expect(effectsOf(step(hold('forced_open'), { type: 'call' }, 1e9))).toEqual(['deny null']);
  });

  test('released from forced open it sends probes before it closes', () => {
    expect(effectsOf(step(hold('forced_open'), release, 100))).toEqual(['forced_open -> half_open (operator)']);
  });

  test('released from disabled or shadow it is closed', () => {
    for (const mode of ['disabled', 'shadow'] as const) {
      expect(effectsOf(step(hold(mode, open), release, 100))).toEqual([`${mode} -> closed (operator)`]);
    }
  });

  test('disabled lets all through and judges nothing', () => {
    const disabled = hold('disabled', open);
    expect(effectsOf(step(disabled, { type: 'call' }, 60))).toEqual(['admit']);
    expect(step(disabled, failed(100, 100, { generation: disabled.generation, lease: null }), 60).effects).toEqual([]);
  });

  test('shadow reports a trip once per cooldown and lets all through', () => {
    const shadow = hold('shadow');
    const permit = { generation: shadow.generation, lease: null };
    const first = step(shadow, failed(10, 10, permit), 60);
    expect(effectsOf(first)).toEqual(['shadow_trip']);
    expect(effectsOf(step(first.state, failed(11, 11, permit), 1_059))).toEqual([]);
    expect(effectsOf(step(first.state, failed(11, 11, permit), 1_060))).toEqual(['shadow_trip']);
    expect(effectsOf(step(first.state, { type: 'call' }, 61))).toEqual(['admit']);
  });

  test('trips and resets do nothing while a mode holds', () => {
    for (const mode of ['forced_open', 'disabled', 'shadow'] as const) {
      const held = hold(mode);
      expect(step(held, { type: 'trip', reason: 'operator' }).state).toBe(held);
      expect(step(held, { type: 'reset', reason: 'operator' }).state).toBe(held);
    }
  });

  test('the same mode again, and auto where nothing is held, change nothing', () => {
    const held = hold('shadow');
    expect(step(held, { type: 'mode', mode: 'shadow', reason: 'operator' }).state).toBe(held);
    for (const state of [closed, open, halfOpen]) expect(step(state, release, 1_000).state).toBe(state);
  });
});

test('the list of possible transitions names each once', () => {
  expect(new Set(POSSIBLE_TRANSITIONS.map(([state, reason]) => `${state} ${reason}`)).size).toBe(
    POSSIBLE_TRANSITIONS.length,
  );
});
