import type { BreakerMode, BreakerSettings, BreakerState, TransitionReason } from '@switchgear/conventions';
import type { WindowCounts } from '../window/time-window.ts';
import type { Decision, Effect, MachineEvent, MachineState, Permit } from './state.ts';

/** The transitions this machine can make: the state entered and why. Each has a counter from the start. */
export const POSSIBLE_TRANSITIONS: readonly (readonly [BreakerState, TransitionReason])[] = [
  ['open', 'threshold'],
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

/**
 * Decides what an event makes of a breaker: no I/O, no clock, no timers.
 * @param now monotonic milliseconds
 */
export function transition(state: MachineState, event: MachineEvent, now: number, settings: BreakerSettings): Decision {
  const overdue = failOverdueProbe(state, now, settings);
  if (overdue) {
    const after = decide(overdue.state, event, now, settings);
    return { state: after.state, effects: [...overdue.effects, ...after.effects] };
  }
  return decide(state, event, now, settings);
}

function decide(state: MachineState, event: MachineEvent, now: number, settings: BreakerSettings): Decision {
  switch (event.type) {
    case 'call':
      return admit(state, now, settings);
    case 'succeeded':
      return isCurrent(state, event.permit) ? onSuccess(state, event.permit, now, settings) : unchanged(state);
    case 'failed':
      return isCurrent(state, event.permit) ? onFailure(state, event.counts, now, settings) : unchanged(state);
    case 'released':
      return isCurrent(state, event.permit)
        ? { state: returnLease(state, event.permit), effects: [] }
        : unchanged(state);
    case 'trip':
      return state.kind === 'closed' || state.kind === 'half_open'
        ? enter(state, open(state, now, settings), event.reason)
        : unchanged(state);
    case 'reset':
      return state.kind === 'open' || state.kind === 'half_open'
        ? enter(state, closed(state, now), event.reason)
        : unchanged(state);
    case 'mode':
      return changeMode(state, event.mode, event.reason, now);
    case 'tick':
      return unchanged(state);
  }
}

/** A hung probe must not hold its permit for ever: past its deadline it has failed, whoever notices first. */
function failOverdueProbe(state: MachineState, now: number, settings: BreakerSettings): Decision | undefined {
  if (state.kind !== 'half_open' || !state.leases.some((lease) => lease.deadline <= now)) return undefined;
  return enter(state, open(state, now, settings), 'probe_failed');
}

function admit(state: MachineState, now: number, settings: BreakerSettings): Decision {
  switch (state.kind) {
    case 'closed':
    case 'disabled':
    case 'shadow':
      return { state, effects: [{ type: 'admit', permit: { generation: state.generation, lease: null } }] };
    case 'forced_open':
      return { state, effects: [{ type: 'deny', retryAfterMs: null }] };
    case 'open': {
      if (now < state.until) return { state, effects: [{ type: 'deny', retryAfterMs: state.until - now }] };
      const entered = enter(state, halfOpen(state, now), 'cooldown');
      const probe = admit(entered.state, now, settings);
      return { state: probe.state, effects: [...entered.effects, ...probe.effects] };
    }
    case 'half_open':
      return grantProbe(state, now, settings);
  }
}

function grantProbe(
  state: Extract<MachineState, { kind: 'half_open' }>,
  now: number,
  settings: BreakerSettings,
): Decision {
  const { probes, probeTimeoutMs } = settings.halfOpen;
  // `probes` was lowered meanwhile to what has come back good already: no further result would decide.
  if (state.good >= probes) {
    const entered = enter(state, closed(state, now), 'probes_passed');
    const call = admit(entered.state, now, settings);
    return { state: call.state, effects: [...entered.effects, ...call.effects] };
  }
  // Probes that are out, and those that came back good, together never pass what is needed to decide.
  if (state.leases.length + state.good >= probes) {
    const nextDeadline = Math.min(...state.leases.map((lease) => lease.deadline));
    return { state, effects: [{ type: 'deny', retryAfterMs: Math.max(0, nextDeadline - now) }] };
  }
  const lease = { id: state.nextLease, deadline: now + probeTimeoutMs };
  return {
    state: { ...state, nextLease: lease.id + 1, leases: [...state.leases, lease] },
    effects: [{ type: 'admit', permit: { generation: state.generation, lease: lease.id } }],
  };
}

function onSuccess(state: MachineState, permit: Permit, now: number, settings: BreakerSettings): Decision {
  if (state.kind !== 'half_open' || !holdsLease(state, permit)) return unchanged(state);
  const good = state.good + 1;
  if (good >= settings.halfOpen.probes) return enter(state, closed(state, now), 'probes_passed');
  return { state: { ...(returnLease(state, permit) as typeof state), good }, effects: [] };
}

function onFailure(state: MachineState, counts: WindowCounts, now: number, settings: BreakerSettings): Decision {
  switch (state.kind) {
    case 'half_open':
      return enter(state, open(state, now, settings), 'probe_failed');
    case 'closed':
      return reachesThreshold(counts, settings)
        ? enter(state, open(state, now, settings), 'threshold', counts)
        : unchanged(state);
    case 'shadow':
      return now >= state.quietUntil && reachesThreshold(counts, settings)
        ? { state: { ...state, quietUntil: now + settings.cooldownMs }, effects: [{ type: 'shadow_trip', counts }] }
        : unchanged(state);
    default:
      return unchanged(state);
  }
}

function reachesThreshold({ executed, failed }: WindowCounts, { trip }: BreakerSettings): boolean {
  if (trip.failures !== null && failed >= trip.failures) return true;
  return trip.failureRatio !== null && executed >= trip.minimumCalls && failed / executed >= trip.failureRatio;
}

function changeMode(state: MachineState, mode: BreakerMode, reason: TransitionReason, now: number): Decision {
  if (mode !== 'auto') return state.kind === mode ? unchanged(state) : enter(state, held(state, mode, now), reason);
  switch (state.kind) {
    // What was held open is probed before traffic returns: nobody has seen the dependency well meanwhile.
    case 'forced_open':
      return enter(state, halfOpen(state, now), reason);
    case 'disabled':
    case 'shadow':
      return enter(state, closed(state, now), reason);
    default:
      return unchanged(state);
  }
}

function isCurrent(state: MachineState, permit: Permit): boolean {
  return state.generation === permit.generation;
}

function holdsLease(state: Extract<MachineState, { kind: 'half_open' }>, permit: Permit): boolean {
  return state.leases.some((lease) => lease.id === permit.lease);
}

function returnLease(state: MachineState, permit: Permit): MachineState {
  if (state.kind !== 'half_open') return state;
  return { ...state, leases: state.leases.filter((lease) => lease.id !== permit.lease) };
}

function unchanged(state: MachineState): Decision {
  return { state, effects: [] };
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

function closed({ generation }: MachineState, now: number): MachineState {
  return { kind: 'closed', generation: generation + 1, since: now };
}

function open({ generation }: MachineState, now: number, { cooldownMs }: BreakerSettings): MachineState {
  return { kind: 'open', generation: generation + 1, since: now, until: now + cooldownMs };
}

function halfOpen({ generation }: MachineState, now: number): MachineState {
  return { kind: 'half_open', generation: generation + 1, since: now, good: 0, nextLease: 1, leases: [] };
}

function held({ generation }: MachineState, mode: Exclude<BreakerMode, 'auto'>, now: number): MachineState {
  const common = { generation: generation + 1, since: now };
  return mode === 'shadow' ? { ...common, kind: mode, quietUntil: now } : { ...common, kind: mode };
}
