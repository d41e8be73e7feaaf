import type { BreakerMode, BreakerSettings } from '@switchgear/conventions';
import {
  type Decision,
  type Effect,
  type HalfOpen,
  initialState,
  type MachineEvent,
  type MachineState,
  type Permit,
} from '../../src/breaker/machine/state.ts';
import { POSSIBLE_TRANSITIONS, transition } from '../../src/breaker/machine/transition.ts';
import { type Ending, type Happening, happeningOf, inWords } from './machine-happenings.ts';
import { MachineModel, type ModelCall } from './machine-model.ts';
import { patched } from './machine-settings.ts';

const HOUR_MS = 3_600_000;
/** Where a step's share was lowered in it, as many calls may come before the next is let through. */
const MOST_CALLS_OF_A_STEP = 1_000;
const POSSIBLE = new Set(POSSIBLE_TRANSITIONS.map(([state, reason]) => `${state} (${reason})`));

/** A call that was let through and has not ended. */
interface CallOut {
  readonly permit: Permit;
  readonly model: ModelCall;
  /** The step in which it was found slow in flight; 0 outside of a ramp. */
  overdueStep: number | undefined;
}

/** What sequences have reached, over all runs: a property that reaches little says little. */
export class Reached {
  readonly transitions = new Set<string>();
  readonly shadowTrips = new Set<string>();
  mostSteps = 0;
  mostProbesOut = 0;
  mostReopenings = 0;
  lateResults = 0;
}

/** The machine, driven the way a breaker drives it, with the model beside it. Throws where they part. */
export class MachineRun {
  readonly #model: MachineModel;
  readonly #reached: Reached;
  readonly #happened: Happening[] = [];
  #state: MachineState;
  #settings: BreakerSettings;
  #now = 0;
  #chance = 0;
  #out: CallOut[] = [];
  #calls = 0;
  #admitted = 0;
  #denied = 0;
  #ended = 0;
  /** The step of the ramp in which the settings were changed last: `generation/step`. */
  #changedIn = '';

  constructor(settings: BreakerSettings, mode: Exclude<BreakerMode, 'forced_open'>, reached: Reached) {
    this.#settings = settings;
    this.#state = initialState(0, mode);
    this.#model = new MachineModel(settings, mode === 'auto' ? 'closed' : mode);
    this.#reached = reached;
  }

  /** Lets what the numbers stand for happen, and compares after each. */
  live(numbers: readonly number[], kinds: readonly string[]): void {
    for (const number of numbers) {
      this.#chance = (Math.floor(number / 8_191) % 4) / 4;
      this.#model.chance = this.#chance;
      this.happen(happeningOf(number, kinds));
    }
  }

  happen(happening: Happening): void {
    this.#happened.push(happening);
    switch (happening.what) {
      case 'calls':
        for (let call = 0; call < happening.calls; call++) this.#call();
        return;
      case 'end': {
        const [call] = this.#out.splice(happening.index % (this.#out.length || 1), 1);
        if (call) this.#end(call, happening.ending);
        return;
      }
      case 'all_end_well':
        for (const call of this.#out.splice(0)) this.#end(call, 'success');
        return;
      case 'overdue':
        this.#overdue(this.#out[happening.index % (this.#out.length || 1)]);
        return;
      case 'wait':
        this.#waitUntil(this.#now + happening.ms);
        return;
      case 'wait_until_due':
        this.#waitUntil(Math.max(this.#now, this.#model.nextDue() - happening.lessMs));
        return;
      case 'tick':
        this.#agree(this.#model.tick(), { type: 'tick' });
        return;
      case 'trip':
        this.#agree(this.#model.trip(), { type: 'trip', reason: 'operator' });
        return;
      case 'reset':
        this.#agree(this.#model.reset(), { type: 'reset', reason: 'operator' });
        return;
      case 'mode':
        this.#agree(this.#model.mode(happening.mode), { type: 'mode', mode: happening.mode, reason: 'operator' });
        return;
      case 'restore':
        this.#agree(this.#model.restore(happening.to), { type: 'restore', state: happening.to });
        return;
      case 'configure':
        this.#settings = patched(this.#settings, happening.choice);
        this.#model.settings = this.#settings;
        this.#changedIn = placeOf(this.#state);
        return;
    }
  }

  /**
   * Whatever state it is in: time, and calls that go well, lead to closed. Where an operator holds it, no time does, and
   * then his release. Calls that are out never end: those that are probes fail by their deadlines.
   */
  recover(): void {
    if (this.#isHeld()) {
      this.#waitUntil(this.#now + HOUR_MS);
      this.happen({ what: 'tick' });
      if (!this.#isHeld()) this.#fail('a state that an operator holds was left by time');
      this.happen({ what: 'mode', mode: 'auto' });
    }
    // Twice through a cooldown with its first probe, two rounds for the others and three steps of a ramp: what was out
    // before may fail it once.
    for (let round = 0; round < 12; round++) {
      this.happen({ what: 'tick' });
      if (this.#state.kind === 'closed') return;
      this.#waitUntil(Math.max(this.#now, this.#model.nextDue()));
      this.#probeOrStep();
    }
    this.#fail('no way back to closed');
  }

  /** Every call was answered once, and every one that was let through is still out or has ended. */
  account(): void {
    if (this.#admitted + this.#denied !== this.#calls) this.#fail('calls let through and refused are not all calls');
    if (this.#ended + this.#out.length !== this.#admitted) this.#fail('a call was let through and is nowhere');
  }

  #isHeld(): boolean {
    return this.#state.kind !== 'closed' && this.#state.kind !== 'open' && this.#state.kind !== 'half_open';
  }

  /** One good call after the other, until it goes on or refuses probes; in a step of the ramp one that is let through. */
  #probeOrStep(): void {
    const others = this.#out.splice(0);
    const place = placeOf(this.#state);
    for (let call = 0; call < MOST_CALLS_OF_A_STEP; call++) {
      this.#call();
      const [mine] = this.#out.splice(0);
      if (mine) this.#end(mine, 'success');
      if (placeOf(this.#state) !== place) break;
      if ((stepOf(this.#state) === 0) !== (mine !== undefined)) break;
    }
    this.#out = others;
  }

  #call(): void {
    this.#calls += 1;
    const { said, call } = this.#model.call();
    const effects = this.#agree(said, { type: 'call' });
    const answer = effects.at(-1);
    if (answer?.type === 'deny') {
      this.#denied += 1;
      if (answer.retryAfterMs !== null && answer.retryAfterMs < 0) this.#fail('told to come back in the past');
      return;
    }
    if (answer?.type !== 'admit' || !call) this.#fail('a call was not answered');
    this.#admitted += 1;
    if (this.#probesGiven() > this.#settings.halfOpen.probes) this.#fail('more probes than can decide');
    this.#out.push({ permit: answer.permit, model: call, overdueStep: undefined });
    if (answer.permit.generation !== this.#state.generation) this.#fail('a permit of another generation');
    if ((answer.permit.lease === null) !== (call.deadline === null)) this.#fail('a probe without a lease, or no probe');
  }

  /** Probes that are out and those that came back good, where the last call was one. */
  #probesGiven(): number {
    const state = this.#state;
    return state.kind === 'half_open' && state.step === 0 ? state.leases.length + state.good : 0;
  }

  #end(call: CallOut, ending: Ending): void {
    this.#ended += 1;
    const { permit, overdueStep } = call;
    if (ending === 'ignored' || ending === 'cancelled') {
      this.#hear(this.#model.release(call.model), { type: 'released', permit });
      return;
    }
    const failed = ending === 'failure' || ending === 'timeout' || ending === 'slow_failure';
    const slow = overdueStep !== undefined || (ending !== 'success' && ending !== 'failure');
    const { said, counts } = this.#model.settle(call.model, failed, slow);
    this.#hear(said, { type: 'settled', permit, failed, slow, overdueStep, counts });
  }

  #overdue(call: CallOut | undefined): void {
    if (!call || call.overdueStep !== undefined) return;
    const { said, counts, step } = this.#model.overdue(call.model);
    call.overdueStep = step;
    this.#hear(said, { type: 'overdue', permit: call.permit, counts });
  }

  /** The news of a call: of an older generation it is worth as much as a tick. */
  #hear(said: string, event: Extract<MachineEvent, { readonly permit: Permit }>): void {
    const before = this.#state;
    const isLate = event.permit.generation !== before.generation;
    const tick = isLate ? this.#decide({ type: 'tick' }) : null;
    const effects = this.#agree(said, event);
    if (!tick) return;
    this.#reached.lateResults += 1;
    const isSame =
      tick.state === before
        ? this.#state === before
        : JSON.stringify(tick) === JSON.stringify({ state: this.#state, effects });
    if (!isSame) this.#fail('a result of an older generation decided');
  }

  #waitUntil(now: number): void {
    this.#now = now;
    this.#model.now = now;
  }

  #decide(event: MachineEvent): Decision {
    return transition(this.#state, event, { now: this.#now, settings: this.#settings, chance: this.#chance });
  }

  /** Gives the machine the event and holds its decision and its state against the model's. */
  #agree(said: string, event: MachineEvent): readonly Effect[] {
    const before = this.#state;
    const { state, effects } = this.#decide(event);
    this.#state = state;
    let words = '';
    let generation = before.generation + (event.type === 'restore' ? 1 : 0);
    for (const effect of effects) {
      words += `${effectInWords(effect)};`;
      if (effect.type === 'shadow_trip') this.#reached.shadowTrips.add(effect.reason);
      if (effect.type !== 'transition') continue;
      generation += 1;
      const entered = `${effect.to.kind} (${effect.reason})`;
      this.#reached.transitions.add(entered);
      if (!POSSIBLE.has(entered)) this.#fail(`${entered} is not a possible transition`);
    }
    if (words !== said) this.#fail(`${event.type}: the machine said "${words}", the model "${said}"`);
    if (state.generation !== generation) this.#fail('the generation did not rise by one for each transition');
    const difference = this.#difference();
    if (difference) this.#fail(`after ${event.type}: ${difference}`);
    return effects;
  }

  /** What is not alike in the machine's state and the model's; undefined where nothing is. */
  #difference(): string | undefined {
    const state = this.#state;
    const model = this.#model;
    const stay = model.stays.at(-1)!;
    if (state.kind !== stay.state) return `it is ${state.kind}, and ${stay.state} in the model`;
    if (state.generation !== model.stays.length) return `generation ${state.generation}, not ${model.stays.length}`;
    if (state.since !== stay.since) return `since ${state.since}, not ${stay.since}`;
    switch (state.kind) {
      case 'shadow':
        return state.quietUntil === model.quietUntil ? undefined : `quiet until ${state.quietUntil}`;
      case 'open':
        if (state.until !== model.openUntil) return `open until ${state.until}, not ${model.openUntil}`;
        return this.#sameReopenings(state.reopenings);
      case 'half_open':
        return this.#halfOpenDifference(state) ?? this.#sameReopenings(state.reopenings);
    }
    return undefined;
  }

  #sameReopenings(reopenings: number): string | undefined {
    const expected = this.#model.reopenings();
    this.#reached.mostReopenings = Math.max(this.#reached.mostReopenings, expected);
    return reopenings === expected ? undefined : `${reopenings} reopenings, not ${expected}`;
  }

  #halfOpenDifference(state: HalfOpen): string | undefined {
    const model = this.#model;
    if (state.step !== model.steps.length) return `step ${state.step}, not ${model.steps.length}`;
    if (state.good !== model.goodProbes()) return `${state.good} good probes, not ${model.goodProbes()}`;
    const out = model.probesOut();
    if (state.leases.length !== out.length) return `${state.leases.length} leases, not ${out.length}`;
    if (out.length > 16) return 'more than 16 probes out';
    this.#reached.mostProbesOut = Math.max(this.#reached.mostProbesOut, out.length);
    this.#reached.mostSteps = Math.max(this.#reached.mostSteps, state.step);
    let seen = 0;
    for (let place = 0; place < out.length; place++) {
      const { id, deadline } = state.leases[place]!;
      if (deadline !== out[place]!.deadline) return `a deadline of ${deadline}, not ${out[place]!.deadline}`;
      if (!(id >= 0 && id < 16) || seen & (1 << id)) return `lease ${id} twice, or none there is`;
      seen |= 1 << id;
    }
    const step = model.steps.at(-1);
    if (!step) return undefined;
    if (state.stepSince !== step.since) return `a step since ${state.stepSince}, not ${step.since}`;
    return tallyDifference(state, model.stepTally()) ?? this.#shareDifference(state);
  }

  /** A step lets its share of the calls through, and at most one more or less. Of a share changed in it, no telling. */
  #shareDifference(state: HalfOpen): string | undefined {
    if (this.#changedIn === placeOf(state)) return undefined;
    const { step, offered, admitted } = state;
    const fair = offered * (this.#settings.halfOpen.ramp[step - 1] ?? 1);
    const isFair = admitted >= fair - 1 && admitted <= fair + 1;
    return isFair ? undefined : `${admitted} of ${offered} calls let through, which is not the share of step ${step}`;
  }

  #fail(what: string): never {
    throw new Error(`${what}\nat ${this.#now} ms, after:\n${this.#happened.map(inWords).join('\n')}`);
  }
}

function tallyDifference(state: HalfOpen, tally: ReturnType<MachineModel['stepTally']>): string | undefined {
  for (const count of ['offered', 'admitted', 'executed', 'failed', 'slow'] as const) {
    if (state[count] < 0) return `${count} is negative`;
    if (state[count] !== tally[count]) return `${count} of the step is ${state[count]}, not ${tally[count]}`;
  }
  return undefined;
}

function placeOf(state: MachineState): string {
  return `${state.generation}/${stepOf(state)}`;
}

function stepOf(state: MachineState): number | null {
  return state.kind === 'half_open' ? state.step : null;
}

function effectInWords(effect: Effect): string {
  switch (effect.type) {
    case 'transition':
      return `${effect.from.kind} -> ${effect.to.kind} (${effect.reason})`;
    case 'deny':
      return `deny ${effect.retryAfterMs}`;
    case 'admit':
      return effect.permit.lease === null ? 'admit' : 'probe';
    case 'shadow_trip':
      return `shadow ${effect.reason}`;
  }
}
