import type { Inventory, Override } from '@switchgear/conventions';
import type { AgentIdentity, Observation } from '../ingest/observation.ts';
import { LAST_FLUSH_MS } from './breaker-instance.ts';
import type { Page } from './breaker-page.ts';
import { DesiredRegister } from './desired-register.ts';
import { agentKey, type FleetAgent } from './fleet-agent.ts';
import { type ChangeListener, type FirstSeenListener, FleetNews, type GoneListener } from './fleet-news.ts';
import {
  type BreakerQuery,
  type FleetOptions,
  type FleetStats,
  type RestoredBreaker,
  withDefaults,
} from './fleet-options.ts';
import { FleetReader } from './fleet-reader.ts';
import type { LivenessLimits } from './liveness.ts';
import { type Member, Membership } from './membership.ts';
import type { AgentView, BreakerDetail, BreakerView } from './view.ts';

export type { ChangeListener, FirstSeenListener, GoneListener } from './fleet-news.ts';
export type { BreakerQuery, FleetOptions, FleetStats, RestoredBreaker } from './fleet-options.ts';

/** How far ahead of this process' clock a time may be before it is taken as now. */
const MAX_CLOCK_LEAD_MS = 5_000;

/**
 * The state of every breaker in the fleet: service, breaker, instance. Observations only touch the newest values; views
 * are built when they are asked for. Times of liveness are this process' own, the time of a state is its sender's.
 *
 * Listeners are called after everything was applied; one that throws fails the caller, so they must not throw.
 */
export class Fleet {
  readonly #now: () => number;
  readonly #limits: LivenessLimits;
  readonly #news = new FleetNews();
  readonly #members: Membership;
  readonly #desired: DesiredRegister;
  readonly #reader: FleetReader;
  #refused = 0;

  constructor(options: FleetOptions = {}) {
    const { now, limits, maxBreakerInstances } = withDefaults(options);
    this.#now = now;
    this.#limits = limits;
    this.#members = new Membership({ limits, maxBreakerInstances, news: this.#news });
    this.#desired = new DesiredRegister(now());
    this.#reader = new FleetReader({ members: this.#members, desired: this.#desired, now, limits });
  }

  /** Takes metrics and events in. The newest of `breaker.status` and the events of a transition or an override decides a state. */
  apply(observations: readonly Observation[]): void {
    const now = this.#now();
    const latest = now + MAX_CLOCK_LEAD_MS;
    let identity: AgentIdentity | undefined;
    let agent: FleetAgent | undefined;
    let name: string | undefined;
    let found: Member | undefined;
    for (const observation of observations) {
      if (observation.agent !== identity) {
        identity = observation.agent;
        agent = this.#members.admitAgent(identity, now);
        if (agent) this.#sawTelemetry(agent, identity, now);
        name = undefined;
      }
      if (agent && observation.breaker !== name) {
        name = observation.breaker;
        found = this.#members.admitInstance(agent, name, now);
        found?.instance.saw(now);
        if (found) this.#refreshInstance(agent, found, now);
      }
      if (!agent || !found) {
        this.#refused += 1;
        continue;
      }
      const at = observation.at > latest ? now : observation.at;
      const changed =
        observation.kind === 'metric'
          ? found.instance.applyPoint(observation, at)
          : found.instance.applyEvent(observation, at);
      if (changed === null) this.#refused += 1;
      else if (changed) this.#news.changed(found.breaker);
    }
    this.#news.tell();
  }

  /** Takes in which breakers a process has, as they are in effect. What it no longer names is gone. */
  reportInventory(identity: AgentIdentity, inventory: Inventory): void {
    const now = this.#now();
    const agent = this.#connect(identity, now);
    for (const [name, breaker] of Object.entries(inventory.breakers)) {
      const found = agent && this.#members.admitInstance(agent, name, now);
      if (!found) {
        this.#refused += 1;
        continue;
      }
      found.instance.applyInventory(breaker, now);
      this.#refreshInstance(agent, found, now);
      this.#news.changed(found.breaker);
    }
    if (agent)
      for (const [name, instance] of agent.breakers)
        if (!Object.hasOwn(inventory.breakers, name) && instance.leave(now))
          this.#refreshInstance(agent, { breaker: this.#members.breaker(agent.service, name)!, instance }, now);
    this.#news.tell();
  }

  /** A sign of life of a process over OpAMP: all of its breakers are live. */
  sawAgent(identity: AgentIdentity): void {
    this.#connect(identity, this.#now());
    this.#news.tell();
  }

  /** A process said goodbye: it is gone at once. What it flushes behind that still counts, but does not revive it. */
  agentLeft(identity: AgentIdentity): void {
    const agent = this.#members.agent(identity);
    if (!agent || agent.left) return;
    agent.left = true;
    agent.leftAt = this.#now();
    agent.heartbeatAt = agent.leftAt;
    this.#refreshLiveness(agent, agent.leftAt);
    this.#news.tell();
  }

  /**
   * Takes back what was known before a restart, without a state, until it is heard of: gone where it was gone, else
   * stale or gone by its silence. A process of which every breaker was gone is gone too.
   */
  restore(known: readonly RestoredBreaker[]): void {
    const now = this.#now();
    const present = new Set(known.filter(({ gone }) => !gone).map(({ agent }) => agentKey(agent)));
    for (const { agent: identity, breaker, lastSeenAt, gone = false } of known) {
      if (now - lastSeenAt >= this.#limits.forgetAfterMs) continue;
      const agent = this.#members.admitAgent(identity, now);
      agent?.restore(Math.min(lastSeenAt, now), !present.has(agentKey(identity)));
      const found = agent && this.#members.admitInstance(agent, breaker, null);
      if (!found) {
        this.#refused += 1;
        continue;
      }
      agent.describe(identity);
      found.instance.restore(Math.min(lastSeenAt, now), gone);
      found.instance.announced = found.instance.liveness(now, this.#limits);
      this.#news.changed(found.breaker);
    }
    this.#news.tell();
  }

  /** What the control plane wants a breaker to be; kept for breakers that are not known yet, but creates none. */
  setDesired(service: string, breaker: string, desired: { revision: number; override: Override | null } | null): void {
    this.#desired.set(service, breaker, desired);
    this.#markChanged(service, breaker);
    this.#news.tell();
  }

  has(service: string, breaker: string): boolean {
    return this.#members.breaker(service, breaker) !== undefined;
  }

  hasService(service: string): boolean {
    return this.#members.hasService(service);
  }

  breaker(service: string, breaker: string): BreakerDetail | undefined {
    return this.#reader.breaker(service, breaker);
  }

  /**
   * One page of breakers, sorted by service and breaker.
   * @throws InvalidInputError for a cursor that no page gave out, or a limit outside 1 to 1,000
   */
  breakers(query: BreakerQuery = {}): Page<BreakerView> {
    return this.#reader.breakers(query);
  }

  /** All processes, sorted by service and instance. */
  agents(): AgentView[] {
    return this.#reader.agents();
  }

  stats(): FleetStats {
    return { ...this.#reader.stats(), refused: this.#refused };
  }

  /**
   * Hears of every breaker whose view changed, once per call that changed it; also of one that is no longer known. That
   * nothing but `lastSeenAt` moved is not told. Returns how to stop listening.
   */
  onChange(listener: ChangeListener): () => void {
    return this.#news.onChange(listener);
  }

  /** Hears of each breaker on each instance the first time it is seen. Returns how to stop listening. */
  onFirstSeen(listener: FirstSeenListener): () => void {
    return this.#news.onFirstSeen(listener);
  }

  /** Hears of each breaker on each instance when it is gone, and when it is back. Returns how to stop listening. */
  onGone(listener: GoneListener): () => void {
    return this.#news.onGone(listener);
  }

  /** Announces what became stale or gone, or whose override expired, and forgets what has been silent for too long. */
  sweep(): void {
    const now = this.#now();
    for (const agent of this.#members.agents()) {
      this.#refreshLiveness(agent, now);
      this.#members.forgetSilent(agent, now);
    }
    for (const { service, breaker } of this.#desired.expired(now)) this.#markChanged(service, breaker);
    this.#news.tell();
  }

  #connect(identity: AgentIdentity, now: number): FleetAgent | undefined {
    const agent = this.#members.admitAgent(identity, now);
    if (!agent) return undefined;
    agent.left = false;
    agent.heartbeatAt = now;
    agent.saw(now);
    this.#describe(agent, identity);
    this.#refreshLiveness(agent, now);
    return agent;
  }

  #sawTelemetry(agent: FleetAgent, identity: AgentIdentity, now: number): void {
    agent.saw(now);
    if (agent.left && now - agent.leftAt > LAST_FLUSH_MS) agent.left = false;
    this.#describe(agent, identity);
  }

  #describe(agent: FleetAgent, identity: AgentIdentity): void {
    if (agent.describe(identity)) for (const name of agent.breakers.keys()) this.#markChanged(agent.service, name);
  }

  #refreshLiveness(agent: FleetAgent, now: number): void {
    for (const [name, instance] of agent.breakers)
      this.#refreshInstance(agent, { breaker: this.#members.breaker(agent.service, name)!, instance }, now);
  }

  #refreshInstance(agent: FleetAgent, { breaker, instance }: Member, now: number): void {
    const alive = instance.liveness(now, this.#limits);
    if (alive === instance.announced) return;
    if (alive === 'gone') this.#news.gone(agent.identity, breaker.breaker, instance.lastSeenAt);
    else if (instance.announced === 'gone') this.#news.gone(agent.identity, breaker.breaker, null);
    instance.announced = alive;
    this.#news.changed(breaker);
  }

  #markChanged(service: string, breaker: string): void {
    const entry = this.#members.breaker(service, breaker);
    if (entry) this.#news.changed(entry);
  }
}
