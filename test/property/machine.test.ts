import {
  BREAKER_MODES,
  type BreakerMode,
  type BreakerSettings,
  type BreakerState,
  DEFAULT_SETTINGS,
} from '@switchgear/conventions';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initialState, type MachineEvent, type MachineState, type Permit } from '../../src/breaker/machine/state.ts';
import { POSSIBLE_TRANSITIONS, transition } from '../../src/breaker/machine/transition.ts';
import { runs } from './runs.ts';

const COOLDOWN = 100;
const PROBE_TIMEOUT = 40;

/** What happens to a breaker: the index picks one of the calls that are out. */
type Happening =
  | { readonly what: 'call' | 'tick' }
  | { readonly what: 'trip' | 'reset' }
  | { readonly what: 'success' | 'release'; readonly index: number }
  | { readonly what: 'failure'; readonly index: number; readonly reaches: boolean }
  | { readonly what: 'mode'; readonly mode: BreakerMode }
  | { readonly what: 'wait'; readonly ms: number }
  | { readonly what: 'probes'; readonly probes: number };

const index = fc.nat(7);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ what: 'call' } as const) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('success' as const), index }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('failure' as const), index, reaches: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('release' as const), index }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 120 }) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ what: 'trip' } as const, { what: 'reset' } as const, { what: 'tick' } as const),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('mode' as const), mode: fc.constantFrom(...BREAKER_MODES) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('probes' as const), probes: fc.integer({ min: 1, max: 4 }) }) },
);

const possible = new Set(POSSIBLE_TRANSITIONS.map(([state, reason]) => `${state} ${reason}`));

/**
 * The plain model: a state word, a deadline, the probes that are out by number, and how many came back good. It says
 * nothing of generations: a call remembers the count of transitions at its start.
 */
class Model {
  state: BreakerState = 'closed';
  transitions = 0;
  openUntil = 0;
  good = 0;
  probesOut = new Map<Permit, number>();

  enter(state: BreakerState, now: number): void {
    this.state = state;
    this.transitions += 1;
    this.openUntil = now + COOLDOWN;
    this.good = 0;
    this.probesOut.clear();
  }

  /** Before anything else: a probe past its deadline has failed. */
  passTime(now: number): void {
    if ([...this.probesOut.values()].some((deadline) => deadline <= now)) this.enter('open', now);
  }

  /** @returns whether a call is let through now, and whether as a probe */
  call(now: number, probes: number): 'through' | 'probe' | 'refused' {
    if (this.state === 'open' && now >= this.openUntil) this.enter('half_open', now);
    // Fewer probes are asked for than came back good already.
    if (this.state === 'half_open' && this.good >= probes) this.enter('closed', now);
    if (this.state === 'open' || this.state === 'forced_open') return 'refused';
    if (this.state !== 'half_open') return 'through';
    return this.probesOut.size + this.good < probes ? 'probe' : 'refused';
  }

  mode(mode: BreakerMode, now: number): void {
    if (mode !== 'auto') {
      if (this.state !== mode) this.enter(mode, now);
    } else if (this.state === 'forced_open') this.enter('half_open', now);
    else if (this.state === 'disabled' || this.state === 'shadow') this.enter('closed', now);
  }
}

/** The machine, driven the way a breaker drives it, with the model beside it. */
class Driven {
  state: MachineState = initialState(0);
  readonly model = new Model();
  readonly calls: { readonly permit: Permit; readonly born: number }[] = [];
  now = 0;
  probes = 2;

  get settings(): BreakerSettings {
    return {
      ...DEFAULT_SETTINGS,
      cooldownMs: COOLDOWN,
      halfOpen: { probes: this.probes, probeTimeoutMs: PROBE_TIMEOUT },
      trip: { ...DEFAULT_SETTINGS.trip, failures: 3, failureRatio: null },
    };
  }

  happen(next: Happening): void {
    if (next.what === 'wait') {
      this.now += next.ms;
      return;
    }
    if (next.what === 'probes') {
      this.probes = next.probes;
      return;
    }
    const { model, now } = this;
    model.passTime(now);
    switch (next.what) {
      case 'call':
        this.#call();
        break;
      case 'tick':
        this.feed({ type: 'tick' });
        break;
      case 'trip':
        if (model.state === 'closed' || model.state === 'half_open') model.enter('open', now);
        this.feed({ type: 'trip', reason: 'operator' });
        break;
      case 'reset':
        if (model.state === 'open' || model.state === 'half_open') model.enter('closed', now);
        this.feed({ type: 'reset', reason: 'operator' });
        break;
      case 'mode':
        model.mode(next.mode, now);
        this.feed({ type: 'mode', mode: next.mode, reason: 'operator' });
        break;
      default:
        this.#settle(next);
    }
  }

  feed(event: MachineEvent) {
    const before = this.state;
    const { state, effects } = transition(before, event, this.now, this.settings);
    this.state = state;
    const entered = effects.filter((effect) => effect.type === 'transition');
    expect(state.generation).toBe(before.generation + entered.length);
    for (const { to, reason } of entered) {
      if (!possible.has(`${to.kind} ${reason}`)) expect.fail(`${to.kind} (${reason}) is not a possible transition`);
      if (to.kind === 'open') expect(to.until).toBe(this.now + COOLDOWN);
    }
    // A cooldown ends when it was said to end.
    if (entered.length === 0 && before.kind === 'open') expect(state).toBe(before);
    return effects;
  }

  agree(): void {
    expect(this.state.kind).toBe(this.model.state);
    expect(this.state.generation).toBe(1 + this.model.transitions);
    if (this.state.kind !== 'half_open') return;
    expect(this.state.good).toBe(this.model.good);
    expect(this.state.leases.length).toBe(this.model.probesOut.size);
  }

  #call(): void {
    const said = this.model.call(this.now, this.probes);
    const effects = this.feed({ type: 'call' });
    const answers = effects.filter((effect) => effect.type === 'admit' || effect.type === 'deny');
    expect(answers).toHaveLength(1);
    const [answer] = answers;
    if (answer?.type === 'deny') {
      expect(said).toBe('refused');
      // A caller that comes back at the time it was told finds the breaker changed, so the time is one that comes.
      if (answer.retryAfterMs !== null) expect(answer.retryAfterMs).toBeGreaterThan(0);
      expect(answer.retryAfterMs ?? 0).toBeLessThanOrEqual(COOLDOWN);
      return;
    }
    if (answer?.type !== 'admit') return;
    expect(said).toBe(answer.permit.lease === null ? 'through' : 'probe');
    this.calls.push({ permit: answer.permit, born: this.model.transitions });
    if (said === 'probe') {
      this.model.probesOut.set(answer.permit, this.now + PROBE_TIMEOUT);
      // Those that are out and those that came back good: never more than asked for.
      const { state } = this;
      if (state.kind === 'half_open') expect(state.leases.length + state.good).toBeLessThanOrEqual(this.probes);
    }
  }

  #settle(next: Extract<Happening, { readonly index: number }>): void {
    const [call] = this.calls.splice(next.index % Math.max(1, this.calls.length), 1);
    if (!call) return;
    const { model, now } = this;
    const before = this.state;
    const stale = call.born !== model.transitions;
    const wasProbe = model.probesOut.delete(call.permit);
    if (!stale) {
      if (next.what === 'success' && wasProbe) {
        model.good += 1;
        if (model.good >= this.probes) model.enter('closed', now);
      }
      if (next.what === 'failure') {
        if (wasProbe) model.enter('open', now);
        else if (model.state === 'closed' && next.reaches) model.enter('open', now);
      }
    }
    const { permit } = call;
    if (next.what === 'failure') {
      const failed = next.reaches ? 3 : 2;
      this.feed({ type: 'failed', permit, counts: { executed: 10, failed } });
    } else {
      this.feed({ type: next.what === 'success' ? 'succeeded' : 'released', permit });
    }
    // The news of an older generation changes nothing, unless an overdue probe was found beside it.
    if (permit.generation !== before.generation && this.state.generation === before.generation) {
      expect(this.state).toBe(before);
    }
  }
}

test('the machine does what a plain model does, whatever happens to it in whatever order', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40, size: 'max' }), (happenings) => {
      const driven = new Driven();
      for (const next of happenings) {
        driven.happen(next);
        // The model finds an overdue probe when something happens, as the machine does.
        if (next.what !== 'wait' && next.what !== 'probes') driven.agree();
      }
    }),
    { numRuns: runs(20_000) },
  );
}, 120_000);

test('there is no state that cannot be left: time, a release and good calls lead back to closed', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 30, size: 'max' }), (happenings) => {
      const driven = new Driven();
      for (const next of happenings) driven.happen(next);
      driven.feed({ type: 'mode', mode: 'auto', reason: 'operator' });
      for (let round = 0; round < 5; round++) {
        driven.now += COOLDOWN;
        // Two in one instant, so that no probe is overdue between them.
        for (let call = 0; call < 4; call++) {
          const answer = driven.feed({ type: 'call' }).find((effect) => effect.type === 'admit');
          if (answer?.type === 'admit') driven.feed({ type: 'succeeded', permit: answer.permit });
        }
      }
      expect(driven.state.kind).toBe('closed');
    }),
    { numRuns: runs(5_000) },
  );
}, 120_000);
