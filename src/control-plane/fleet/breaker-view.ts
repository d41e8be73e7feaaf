import { BREAKER_STATES, type BreakerState, type Override } from '@switchgear/conventions';
import type { BreakerInstance } from './breaker-instance.ts';
import type { LivenessLimits } from './liveness.ts';
import { failureRatio, type Readings, sumCalls, sumWire } from './readings.ts';
import { mostUrgent } from './urgency.ts';
import type { BreakerDetail, BreakerView, DeliveryView, InstanceView, Liveness, WireView } from './view.ts';

/** What the control plane wants a breaker to be, as far as a view shows it. */
export interface Desired {
  readonly revision: number;
  readonly override: Override | null;
}

/** One breaker of one service, with what is known of it on each instance. */
export interface FleetBreaker {
  readonly service: string;
  readonly breaker: string;
  /** By instance id. */
  readonly instances: Map<string, BreakerInstance>;
}

export function breakerView(
  { service, breaker, instances }: FleetBreaker,
  desired: Desired | null,
  now: number,
  limits: LivenessLimits,
): BreakerView {
  const counts: Record<Liveness, number> = { live: 0, stale: 0, gone: 0 };
  const live: BreakerInstance[] = [];
  let lastSeenAt = Number.NEGATIVE_INFINITY;
  for (const instance of instances.values()) {
    const alive = instance.liveness(now, limits);
    counts[alive] += 1;
    if (alive === 'live') live.push(instance);
    lastSeenAt = Math.max(lastSeenAt, instance.lastSeenAt);
  }
  const states = emptyStates();
  for (const { state } of live) if (state !== null) states[state] += 1;
  return {
    service,
    breaker,
    state: mostUrgent((state) => states[state] > 0),
    states,
    instances: counts,
    calls: sumCalls(live.map(({ readings }) => readings)),
    wires: wireViews(live),
    override: overrideInForce(desired, now),
    delivery: delivery(live, desired),
    lastSeenAt: new Date(lastSeenAt).toISOString(),
  };
}

export function breakerDetail(
  breaker: FleetBreaker,
  desired: Desired | null,
  now: number,
  limits: LivenessLimits,
): BreakerDetail {
  const byInstance = Array.from(breaker.instances.values(), (instance) => instanceView(instance, now, limits));
  byInstance.sort((a, b) => (a.instance < b.instance ? -1 : 1));
  return { ...breakerView(breaker, desired, now, limits), byInstance };
}

export function emptyStates(): Record<BreakerState, number> {
  return Object.fromEntries(BREAKER_STATES.map((state) => [state, 0])) as Record<BreakerState, number>;
}

/** A breaker lets go of an override by itself when it expires, so an expired one is no longer shown. */
function overrideInForce(desired: Desired | null, now: number): Override | null {
  const override = desired?.override ?? null;
  return override !== null && Date.parse(override.expiresAt) > now ? override : null;
}

function instanceView(instance: BreakerInstance, now: number, limits: LivenessLimits): InstanceView {
  const { agent, state } = instance;
  return {
    instance: agent.instance,
    version: agent.version,
    environment: agent.environment,
    liveness: instance.liveness(now, limits),
    lastSeenAt: new Date(instance.lastSeenAt).toISOString(),
    state,
    stateSince: state === null ? null : new Date(instance.stateSince).toISOString(),
    failureRatio: failureRatio(instance.readings),
    calls: sumCalls([instance.readings]),
    wires: wireViews([instance]),
    applied: instance.applied,
    settings: instance.settings,
  };
}

function wireViews(instances: readonly BreakerInstance[]): WireView[] {
  const byName = new Map<string, Readings[]>();
  for (const { wires } of instances)
    for (const [name, readings] of wires) {
      const same = byName.get(name);
      if (same) same.push(readings);
      else byName.set(name, [readings]);
    }
  return Array.from(byName.keys())
    .sort()
    .map((name) => sumWire(name, byName.get(name)!));
}

function delivery(live: readonly BreakerInstance[], desired: Desired | null): DeliveryView {
  const revision = desired?.revision ?? 0;
  const counts = { applied: 0, failed: 0, pending: 0 };
  if (revision > 0)
    for (const { applied } of live) counts[applied?.revision === revision ? applied.status : 'pending'] += 1;
  return { revision, ...counts };
}
