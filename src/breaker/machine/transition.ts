import type { BreakerMode, BreakerSettings, BreakerState, TransitionReason } from '@switchgear/conventions';
import type { WindowCounts } from '../window/window-counts.ts';
import { cooldownLengthMs } from './cooldown.ts';
import {
  type Closed,
  type Decision,
  type Effect,
  type HalfOpen,
  type Held,
  type MachineEvent,
  type MachineState,
  MOST_LEASES,
  type Open,
  type Permit,
  type RestoredState,
  type Shadow,
  type Verdict,
} from './state.ts';
import { judgeStep, trippedBy } from './trip-rules.ts';

/** The transitions this machine can make: the state entered and why. Each has a counter from the start. */
export const POSSIBLE_TRANSITIONS: readonly (readonly [BreakerState, TransitionReason])[] = [
  ['open', 'threshold'],
  ['open', 'slow'],
  ['open', 'consecutive'],
  ['open', 'probe_failed'],
  ['open', 'operator'],
  ['open', 'desired_state'],
  ['half_open', 'cooldown'],
  ['half_open', 'operator'],
  ['half_open', 'desired_state'],
  ['closed', 'probes_passed'],
  ['closed', 'operator'],
  ['closed', 'desired_state'],
  ['forced_open', 'operator'],
  ['forced_open', 'desired_state'],
  ['disabled', 'operator'],
  ['disabled', 'desired_state'],
  ['shadow', 'operator'],
  ['shadow', 'desired_state'],
];

/** The numbers of a ramp's step start again at this many calls, so that they fit their words. */
const MOST_OFFERED = 1_000_000;

/** What a decision is made with, beside the state and the event. */
export interface Circumstances {
  /** Monotonic milliseconds. */
  readonly now: number;
  readonly settings: BreakerSettings;
  /** Drawn by the caller, in [0, 1): what jitter comes from. */
  readonly chance: number;
}

/** Decides what an event makes of a breaker: no I/O, no clock, no timers, no dice. */
export function transition(state: MachineState, event: MachineEvent, at: Circumstances): Decision {
  const elapsed = letTimePass(state, at);
  const after = decide(elapsed.state, event, at);
  return elapsed.effects.length === 0 ? after : { state: after.state, effects: [...elapsed.effects, ...after.effects] };
}

function decide(state: MachineState, event: MachineEvent, at: Circumstances): Decision {
  switch (event.type) {
    case 'call':
      return admit(state, at);
    case 'settled':
      return isCurrent(state, event.permit) ? judge(state, event, at) : unchanged(state);
    case 'overdue':
      return isCurrent(state, event.permit) ? judgeOverdue(state, event.counts, at) : unchanged(state);
    case 'released':
      return isCurrent(state, event.permit) ? unchanged(withoutLease(state, event.permit)) : unchanged(state);
    case 'trip':
      return state.kind === 'closed' || state.kind === 'half_open'
        ? enter(state, open(state, at), event.reason)
        : unchanged(state);
    case 'reset':
      return state.kind === 'open' || state.kind === 'half_open'
        ? enter(state, closed(state, at), event.reason)
        : unchanged(state);
    case 'mode':
      return changeMode(state, event.mode, event.reason, at);
    case 'restore':
      return unchanged(restored(state, event.state, at));
    case 'tick':
      return unchanged(state);
  }
}

/** What time alone has decided, whoever notices first: a hung probe has failed, a step of the ramp is over. */
function letTimePass(state: MachineState, at: Circumstances): Decision {
  if (state.kind !== 'half_open') return unchanged(state);
  // A hung probe must not hold its permit for ever.
  if (state.leases.some((lease) => lease.deadline <= at.now)) {
    return enter(state, open(state, at), 'probe_failed');
  }
  return state.step > 0 ? advanceRamp(state, at) : unchanged(state);
}

function admit(state: MachineState, at: Circumstances): Decision {
  switch (state.kind) {
    case 'closed':
    case 'disabled':
    case 'shadow':
      return admitted(state, null);
    case 'forced_open':
      return denied(state, null);
    case 'open':
      return at.now < state.until
        ? denied(state, state.until - at.now)
        : then(enter(state, halfOpen(state, state.reopenings, at), 'cooldown'), (entered) => admit(entered, at));
    case 'half_open':
      return state.step === 0 ? grantProbe(state, at) : admitShare(state, at);
  }
}

function grantProbe(state: HalfOpen, at: Circumstances): Decision {
  const { probes, probeTimeoutMs } = at.settings.halfOpen;
  // `probes` was lowered meanwhile to what has come back good already: no further result would decide.
  if (state.good >= probes) return then(endProbing(state, at), (entered) => admit(entered, at));
  // Probes that are out, and those that came back good, together never pass what is needed to decide.
  if (state.leases.length + state.good >= probes || state.leases.length >= MOST_LEASES) {
    const nextDeadline = Math.min(...state.leases.map((lease) => lease.deadline));
    return denied(state, nextDeadline - at.now);
  }
  const lease = { id: freeLease(state), deadline: at.now + probeTimeoutMs };
  return admitted({ ...state, leases: [...state.leases, lease] }, lease.id);
}

/** Lets a call of the ramp through where the step's share is not used up: the first one always. */
function admitShare(state: HalfOpen, at: Circumstances): Decision {
  const share = at.settings.halfOpen.ramp[state.step - 1] ?? 1;
  const starts = state.offered >= MOST_OFFERED;
  const offered = starts ? 1 : state.offered + 1;
  const before = starts ? 0 : state.admitted;
  if (before < offered * share) return admitted({ ...state, offered, admitted: before + 1 }, null);
  const retryAfterMs = Math.max(0, state.stepSince + at.settings.halfOpen.rampStepMs - at.now);
  return denied({ ...state, offered }, retryAfterMs);
}

function judge(state: MachineState, verdict: Verdict, at: Circumstances): Decision {
  switch (state.kind) {
    case 'closed':
    case 'shadow':
      return judgeWindow(state, verdict.counts, verdict, at);
    case 'half_open':
      return state.step === 0 ? judgeProbe(state, verdict, at) : judgeRamp(state, verdict, at);
    default:
      return unchanged(state);
  }
}

function judgeOverdue(state: MachineState, counts: WindowCounts, at: Circumstances): Decision {
  if (state.kind === 'closed' || state.kind === 'shadow') {
    return judgeWindow(state, counts, { failed: false, slow: true }, at);
  }
  // A probe has its deadline for that.
  if (state.kind !== 'half_open' || state.step === 0) return unchanged(state);
  return advanceRamp({ ...state, executed: state.executed + 1, slow: state.slow + 1 }, at);
}

function judgeWindow(
  state: Closed | Shadow,
  counts: WindowCounts,
  call: { readonly failed: boolean; readonly slow: boolean },
  at: Circumstances,
): Decision {
  const reason = trippedBy(counts, at.settings.trip, call);
  if (reason === undefined) return unchanged(state);
  if (state.kind === 'closed') return enter(state, open(state, at), reason, counts);
  if (at.now < state.quietUntil) return unchanged(state);
  const quietUntil = at.now + cooldownLengthMs(at.settings.cooldownMs, 0, at.chance);
  return { state: { ...state, quietUntil }, effects: [{ type: 'shadow_trip', reason, counts }] };
}

function judgeProbe(state: HalfOpen, { permit, failed, slow }: Verdict, at: Circumstances): Decision {
  if (!state.leases.some((lease) => lease.id === permit.lease)) return unchanged(state);
  const isTooSlow = slow && at.settings.trip.slowRatio !== null;
  if (failed || isTooSlow) return enter(state, open(state, at), 'probe_failed');
  const back = withoutLease({ ...state, good: state.good + 1 }, permit);
  return back.good >= at.settings.halfOpen.probes ? endProbing(back, at) : unchanged(back);
}

function judgeRamp(state: HalfOpen, { failed, slow, overdueStep }: Verdict, at: Circumstances): Decision {
  // It counts in the step in which it ends, unless that one has it already.
  const isCounted = overdueStep === state.step;
  const judged = {
    ...state,
    executed: state.executed + (isCounted ? 0 : 1),
    failed: state.failed + (failed ? 1 : 0),
    slow: state.slow + (slow && !isCounted ? 1 : 0),
  };
  return advanceRamp(judged, at);
}

/** The probes were good: the first step of the ramp, or all traffic where there is none. */
function endProbing(state: HalfOpen, at: Circumstances): Decision {
  return at.settings.halfOpen.ramp.length > 0
    ? unchanged(nextStep(state, at))
    : enter(state, closed(state, at), 'probes_passed');
}

/** Goes on to the next step, back to open, or to closed after the last one, as the step's calls say. */
function advanceRamp(state: HalfOpen, at: Circumstances): Decision {
  const { ramp, rampStepMs } = at.settings.halfOpen;
  const isOver = at.now - state.stepSince >= rampStepMs;
  switch (judgeStep(state, at.settings.trip, isOver)) {
    case 'bad':
      return enter(state, open(state, at), 'probe_failed');
    case 'good':
      return state.step < ramp.length
        ? unchanged(nextStep(state, at))
        : enter(state, closed(state, at), 'probes_passed');
    case 'unclear':
      return unchanged(state);
  }
}

function changeMode(state: MachineState, mode: BreakerMode, reason: TransitionReason, at: Circumstances): Decision {
  if (mode !== 'auto') return state.kind === mode ? unchanged(state) : enter(state, held(state, mode, at), reason);
  switch (state.kind) {
    // What was held open is probed before traffic returns: nobody has seen the dependency well meanwhile.
    case 'forced_open':
      return enter(state, halfOpen(state, 0, at), reason);
    case 'disabled':
    case 'shadow':
      return enter(state, closed(state, at), reason);
    default:
      return unchanged(state);
  }
}

function isCurrent(state: MachineState, permit: Permit): boolean {
  return state.generation === permit.generation;
}

function freeLease({ leases }: HalfOpen): number {
  for (let id = 0; ; id++) if (!leases.some((lease) => lease.id === id)) return id;
}

function withoutLease<State extends MachineState>(state: State, permit: Permit): State {
  if (state.kind !== 'half_open' || permit.lease === null) return state;
  return { ...state, leases: state.leases.filter((lease) => lease.id !== permit.lease) };
}

function admitted(state: MachineState, lease: number | null): Decision {
  return { state, effects: [{ type: 'admit', permit: { generation: state.generation, lease } }] };
}

function denied(state: MachineState, retryAfterMs: number | null): Decision {
  return { state, effects: [{ type: 'deny', retryAfterMs }] };
}

function unchanged(state: MachineState): Decision {
  return { state, effects: [] };
}

/** One decision after the other, with the effects of both. */
function then(first: Decision, next: (state: MachineState) => Decision): Decision {
  const { state, effects } = next(first.state);
  return { state, effects: [...first.effects, ...effects] };
}

function enter(
  from: MachineState,
  to: MachineState,
  reason: TransitionReason,
  counts: WindowCounts | null = null,
): Decision {
  const effect: Effect = { type: 'transition', from, to, reason, counts };
  return { state: to, effects: [effect] };
}

function closed({ generation }: MachineState, { now }: Circumstances): Closed {
  return { kind: 'closed', generation: generation + 1, since: now };
}

function open(from: MachineState, { now, settings, chance }: Circumstances): Open {
  const reopenings = from.kind === 'half_open' ? from.reopenings + 1 : 0;
  const until = now + cooldownLengthMs(settings.cooldownMs, reopenings, chance);
  return { kind: 'open', generation: from.generation + 1, since: now, reopenings, until };
}

function halfOpen({ generation }: MachineState, reopenings: number, { now }: Circumstances): HalfOpen {
  return {
    kind: 'half_open',
    generation: generation + 1,
    since: now,
    reopenings,
    good: 0,
    leases: [],
    step: 0,
    stepSince: now,
    offered: 0,
    admitted: 0,
    executed: 0,
    failed: 0,
    slow: 0,
  };
}

function nextStep(state: HalfOpen, { now }: Circumstances): HalfOpen {
  const fresh = { leases: [], offered: 0, admitted: 0, executed: 0, failed: 0, slow: 0 };
  return { ...state, ...fresh, step: state.step + 1, stepSince: now };
}

function held({ generation }: MachineState, mode: Exclude<BreakerMode, 'auto'>, { now }: Circumstances): Held | Shadow {
  const common = { generation: generation + 1, since: now };
  return mode === 'shadow' ? { ...common, kind: mode, quietUntil: now } : { ...common, kind: mode };
}

function restored(from: MachineState, to: RestoredState, at: Circumstances): MachineState {
  switch (to.kind) {
    case 'closed':
      return closed(from, at);
    case 'disabled':
    case 'shadow':
      return held(from, to.kind, at);
    case 'half_open':
      return halfOpen(from, to.reopenings, at);
    case 'open': {
      const { reopenings, remainingMs } = to;
      return { kind: 'open', generation: from.generation + 1, since: at.now, reopenings, until: at.now + remainingMs };
    }
  }
}
