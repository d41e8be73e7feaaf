import type { BreakerMode, BreakerSettings, BreakerState, TransitionReason } from '@switchgear/conventions';
import type { RestoredState } from '../../src/breaker/machine/state.ts';
import type { WindowCounts } from '../../src/breaker/window/window-counts.ts';

/** One state that the breaker was in. */
interface Stay {
  readonly state: BreakerState;
  readonly since: number;
  /** Where another process said so. */
  readonly givenReopenings?: number | undefined;
}

/** A call that was let through. */
export interface ModelCall {
  /** The stay in which it was let through. */
  readonly stay: number;
  /** Of a probe. */
  readonly deadline: number | null;
  fate: 'out' | 'good' | 'back';
  /** Its place in the log, where it stands there before its end: it was slow while in flight. */
  logged: Logged | null;
  /** The step of a ramp in which it was found slow in flight; 0 outside of one. */
  loggedStep: number | null;
}

/** A judged call. */
interface Logged {
  readonly at: number;
  failed: boolean;
  readonly slow: boolean;
}

/** A step of the ramp: who came and was let through, and what became of the calls that ended in it. */
interface Step {
  readonly since: number;
  readonly passed: boolean[];
  readonly ends: { readonly executed: boolean; readonly failed: boolean; readonly slow: boolean }[];
}

/** A window that would trip anything: for results that must decide nothing. */
const ALARMING: WindowCounts = { executed: 100, failed: 100, slow: 100, consecutive: 100 };
const HOUR_MS = 3_600_000;

/**
 * A breaker as the specification has it and not as the machine is made: it keeps all that happened in plain lists and
 * counts them anew for each decision. What it says is one string per event, to be compared.
 */
export class MachineModel {
  now = 0;
  chance = 0;
  settings: BreakerSettings;
  /** All states so far; the last is the present one, and there are as many as generations. */
  readonly stays: Stay[];
  openUntil = 0;
  quietUntil = 0;
  /** Of the present stay: */
  probes: ModelCall[] = [];
  steps: Step[] = [];
  log: Logged[] = [];
  /** Whether each call that ended had failed, in the order of the ends. */
  ends: boolean[] = [];
  #said = '';

  constructor(settings: BreakerSettings, first: BreakerState) {
    this.settings = settings;
    this.stays = [{ state: first, since: 0 }];
  }

  get state(): BreakerState {
    return this.stays.at(-1)!.state;
  }

  call(): { readonly said: string; readonly call: ModelCall | null } {
    this.#timePasses();
    if (this.state === 'open' && this.now >= this.openUntil) this.#enter('half_open', 'cooldown');
    // Fewer are asked for than came back good already.
    if (this.#isProbing() && this.#good() >= this.settings.halfOpen.probes) this.#probesPassed();
    const answer = this.#answer();
    const passed = answer === 'admit' || answer === 'probe';
    this.steps.at(-1)?.passed.push(passed);
    this.#said += `${answer};`;
    if (!passed) return { said: this.#take(), call: null };
    const deadline = answer === 'probe' ? this.now + this.settings.halfOpen.probeTimeoutMs : null;
    const call: ModelCall = { stay: this.stays.length, deadline, fate: 'out', logged: null, loggedStep: null };
    if (deadline !== null) this.probes.push(call);
    return { said: this.#take(), call };
  }

  /** A call ended in a way that is judged. */
  settle(call: ModelCall, failed: boolean, slow: boolean): { readonly said: string; readonly counts: WindowCounts } {
    this.#timePasses();
    if (call.stay !== this.stays.length) return { said: this.#take(), counts: ALARMING };
    if (this.#isProbing()) {
      if (call.deadline !== null) this.#probeEnds(call, failed, slow);
      return { said: this.#take(), counts: ALARMING };
    }
    if (this.steps.length > 0) {
      // It counts in the step in which it ends, unless that one has it as a slow one already.
      const isNew = call.loggedStep !== this.steps.length;
      this.steps.at(-1)!.ends.push({ executed: isNew, failed, slow: slow && isNew });
      this.#judgeStep();
      return { said: this.#take(), counts: ALARMING };
    }
    if (this.state !== 'closed' && this.state !== 'shadow') return { said: this.#take(), counts: ALARMING };
    if (call.logged) call.logged.failed = failed;
    else this.log.push({ at: this.now, failed, slow });
    this.ends.push(failed);
    const counts = this.counts();
    this.#judgeWindow(failed, slow);
    return { said: this.#take(), counts };
  }

  /** A call in flight is found to be slow. */
  overdue(call: ModelCall): { readonly said: string; readonly counts: WindowCounts; readonly step: number } {
    this.#timePasses();
    const step = this.steps.length;
    call.loggedStep = step;
    const mark = { at: this.now, failed: false, slow: true };
    call.logged = mark;
    if (call.stay !== this.stays.length) return { said: this.#take(), counts: ALARMING, step };
    if (this.steps.length > 0) {
      this.steps.at(-1)!.ends.push({ executed: true, failed: false, slow: true });
      this.#judgeStep();
    } else if (this.state === 'closed' || this.state === 'shadow') {
      this.log.push(mark);
      const counts = this.counts();
      this.#judgeWindow(false, true);
      return { said: this.#take(), counts, step };
    }
    return { said: this.#take(), counts: ALARMING, step };
  }

  /** A call was ignored or cancelled. */
  release(call: ModelCall): string {
    this.#timePasses();
    call.fate = 'back';
    return this.#take();
  }

  tick(): string {
    this.#timePasses();
    return this.#take();
  }

  trip(): string {
    this.#timePasses();
    if (this.state === 'closed' || this.state === 'half_open') this.#enter('open', 'operator');
    return this.#take();
  }

  reset(): string {
    this.#timePasses();
    if (this.state === 'open' || this.state === 'half_open') this.#enter('closed', 'operator');
    return this.#take();
  }

  mode(mode: BreakerMode): string {
    this.#timePasses();
    const { state } = this;
    if (mode !== 'auto') {
      if (state !== mode) this.#enter(mode, 'operator');
    } else if (state === 'forced_open') {
      this.#enter('half_open', 'operator');
    } else if (state === 'disabled' || state === 'shadow') {
      this.#enter('closed', 'operator');
    }
    return this.#take();
  }

  restore(to: RestoredState): string {
    this.#timePasses();
    this.#begin(to.kind, to.kind === 'open' || to.kind === 'half_open' ? to.reopenings : undefined);
    if (to.kind === 'open') this.openUntil = this.now + to.remainingMs;
    return this.#take();
  }

  /** What the window holds. */
  counts(): WindowCounts {
    const { windowMs, windowCalls } = this.settings.trip;
    const inside =
      windowCalls === null ? this.log.filter(({ at }) => at > this.now - windowMs) : this.log.slice(-windowCalls);
    return {
      executed: inside.length,
      failed: inside.filter(({ failed }) => failed).length,
      slow: inside.filter(({ slow }) => slow).length,
      consecutive: this.ends.length - 1 - this.ends.lastIndexOf(false),
    };
  }

  /** Probes that are in flight, in the order in which they were sent. */
  probesOut(): ModelCall[] {
    return this.#isProbing() ? this.probes.filter(({ fate }) => fate === 'out') : [];
  }

  goodProbes(): number {
    return this.#good();
  }

  /** What the present step of the ramp has seen; nothing while it probes. */
  stepTally() {
    const { passed, ends } = this.steps.at(-1) ?? { passed: [], ends: [] };
    return {
      offered: passed.length,
      admitted: passed.filter(Boolean).length,
      executed: ends.filter(({ executed }) => executed).length,
      failed: ends.filter(({ failed }) => failed).length,
      slow: ends.filter(({ slow }) => slow).length,
    };
  }

  /** How often it has opened out of half-open since it was last closed, from all that happened. */
  reopenings(): number {
    let reopenings = 0;
    let before: BreakerState = 'closed';
    for (const { state, givenReopenings } of this.stays) {
      if (state === 'open') reopenings = before === 'half_open' ? reopenings + 1 : 0;
      else if (state !== 'half_open' || before !== 'open') reopenings = 0;
      if (givenReopenings !== undefined) reopenings = givenReopenings;
      before = state;
    }
    return reopenings;
  }

  /** When time alone next means something; an hour from now where it never does. */
  nextDue(): number {
    if (this.state === 'open') return this.openUntil;
    if (this.state === 'shadow') return this.quietUntil;
    const step = this.steps.at(-1);
    if (step) return step.since + this.settings.halfOpen.rampStepMs;
    const [first] = this.probesOut().map(({ deadline }) => deadline!);
    return first ?? this.now + HOUR_MS;
  }

  #answer(): string {
    const { probes, ramp, rampStepMs } = this.settings.halfOpen;
    if (this.state === 'open') return `deny ${this.openUntil - this.now}`;
    if (this.state === 'forced_open') return 'deny null';
    if (this.state !== 'half_open') return 'admit';
    const step = this.steps.at(-1);
    if (step) {
      const { offered, admitted } = this.stepTally();
      const share = ramp[this.steps.length - 1] ?? 1;
      if (admitted < (offered + 1) * share) return 'admit';
      return `deny ${Math.max(0, step.since + rampStepMs - this.now)}`;
    }
    const out = this.probesOut();
    if (out.length < 16 && out.length + this.#good() < probes) return 'probe';
    return `deny ${Math.min(...out.map(({ deadline }) => deadline!)) - this.now}`;
  }

  #isProbing(): boolean {
    return this.state === 'half_open' && this.steps.length === 0;
  }

  #good(): number {
    return this.probes.filter(({ fate }) => fate === 'good').length;
  }

  #timePasses(): void {
    if (this.probesOut().some(({ deadline }) => deadline! <= this.now)) this.#enter('open', 'probe_failed');
    else if (this.steps.length > 0) this.#judgeStep();
  }

  #probeEnds(probe: ModelCall, failed: boolean, slow: boolean): void {
    if (failed || (slow && this.settings.trip.slowRatio !== null)) {
      this.#enter('open', 'probe_failed');
      return;
    }
    probe.fate = 'good';
    if (this.#good() >= this.settings.halfOpen.probes) this.#probesPassed();
  }

  #probesPassed(): void {
    if (this.settings.halfOpen.ramp.length === 0) this.#enter('closed', 'probes_passed');
    else this.#beginStep();
  }

  #beginStep(): void {
    this.steps.push({ since: this.now, passed: [], ends: [] });
  }

  #judgeStep(): void {
    const { trip, halfOpen } = this.settings;
    const { executed, failed, slow } = this.stepTally();
    const isOver = this.now >= this.steps.at(-1)!.since + halfOpen.rampStepMs;
    if (executed === 0 || (!isOver && executed < 5)) return;
    const tooManyFailed = trip.failures !== null && failed >= trip.failures;
    const tooManySlow = trip.slowRatio !== null && slow / executed >= trip.slowRatio;
    if (tooManyFailed || tooManySlow || failed / executed >= (trip.failureRatio ?? 0.5)) {
      this.#enter('open', 'probe_failed');
    } else if (isOver && this.steps.length < halfOpen.ramp.length) {
      this.#beginStep();
    } else if (isOver) {
      this.#enter('closed', 'probes_passed');
    }
  }

  #judgeWindow(failed: boolean, slow: boolean): void {
    const reason = this.#metRule(failed, slow);
    if (reason === null) return;
    if (this.state === 'closed') {
      this.#enter('open', reason);
    } else if (this.now >= this.quietUntil) {
      this.quietUntil = this.now + this.#cooldownMs(0);
      this.#said += `shadow ${reason};`;
    }
  }

  #metRule(failed: boolean, slow: boolean): TransitionReason | null {
    const { failures, consecutive, minimumCalls, windowCalls, failureRatio, slowRatio } = this.settings.trip;
    const window = this.counts();
    const isFull = window.executed >= minimumCalls || (windowCalls !== null && window.executed >= windowCalls);
    const rules: readonly (readonly [boolean, TransitionReason])[] = [
      [failed && failures !== null && window.failed >= failures, 'threshold'],
      [failed && consecutive !== null && window.consecutive >= consecutive, 'consecutive'],
      [failed && isFull && failureRatio !== null && window.failed / window.executed >= failureRatio, 'threshold'],
      [slow && isFull && slowRatio !== null && window.slow / window.executed >= slowRatio, 'slow'],
    ];
    return rules.find(([isMet]) => isMet)?.[1] ?? null;
  }

  #cooldownMs(reopenings: number): number {
    const { cooldownMs } = this.settings;
    if (typeof cooldownMs === 'number') return cooldownMs;
    let length = cooldownMs.baseMs;
    for (let time = 0; time < reopenings; time++) length *= cooldownMs.factor;
    const capped = Math.min(length, cooldownMs.maxMs);
    return capped * (1 - cooldownMs.jitter * this.chance);
  }

  #enter(state: BreakerState, reason: TransitionReason): void {
    this.#said += `${this.state} -> ${state} (${reason});`;
    this.#begin(state);
    if (state === 'open') this.openUntil = this.now + this.#cooldownMs(this.reopenings());
  }

  #begin(state: BreakerState, givenReopenings?: number): void {
    this.stays.push({ state, since: this.now, givenReopenings });
    this.quietUntil = this.now;
    this.probes = [];
    this.steps = [];
    this.log = [];
    this.ends = [];
  }

  #take(): string {
    const said = this.#said;
    this.#said = '';
    return said;
  }
}
