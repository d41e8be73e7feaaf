import type { BreakerState, Inventory, Override } from '@switchgear/conventions';
import type { AgentIdentity, Observation } from '../ingest/observation.ts';
import { BreakerInstance, LAST_FLUSH_MS } from './breaker-instance.ts';
import { compareBreakers, type Page, pageOfBreakers } from './breaker-page.ts';
import { breakerDetail, breakerView, type Desired, emptyStates, type FleetBreaker } from './breaker-view.ts';
import { FleetAgent } from './fleet-agent.ts';
import type { LivenessLimits } from './liveness.ts';
import type { AgentView, BreakerDetail, BreakerView, Liveness } from './view.ts';

export interface FleetOptions {
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Silence after which an instance is stale. Default 90,000. */
  readonly staleAfterMs?: number;
  /** Silence after which it is gone. Default 600,000. */
  readonly goneAfterMs?: number;
  /** Silence after which it is no longer kept. Default 86,400,000. */
  readonly forgetAfterMs?: number;
  /** Breakers times instances that are kept; processes without breakers have the same bound. Default 200,000. */
  readonly maxBreakerInstances?: number;
}

export interface BreakerQuery {
  readonly service?: string;
  readonly state?: BreakerState;
  /** Part of the service or breaker, in any case. */
  readonly q?: string;
  readonly cursor?: string;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number;
}

export interface FleetStats {
  readonly services: number;
  readonly breakers: number;
  /** Breakers times instances. */
  readonly instances: Record<Liveness, number>;
  /** Live ones per state. */
  readonly states: Record<BreakerState, number>;
  /** Observations and reports turned away since the start because there was no room. */
  readonly refused: number;
}

export type ChangeListener = (service: string, breaker: string) => void;
export type FirstSeenListener = (agent: AgentIdentity, breaker: string, at: number) => void;

/** How far ahead of this process' clock a time may be before it is taken as now. */
const MAX_CLOCK_LEAD_MS = 5_000;
/** How often room is looked for when the fleet is full. */
const MAKE_ROOM_EVERY_MS = 1_000;

/**
 * The state of every breaker in the fleet: service, breaker, instance. Observations only touch the newest values; views
 * are built when they are asked for. Times of liveness are this process' own, the time of a state is its sender's.
 *
 * Listeners are called after everything was applied; one that throws fails the caller, so they must not throw.
 */
export class Fleet {
  readonly #now: () => number;
  readonly #limits: LivenessLimits;
  readonly #maxBreakerInstances: number;
  readonly #services = new Map<string, ServiceEntry>();
  readonly #desired = new Map<string, Map<string, Desired>>();
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #firstSeenListeners = new Set<FirstSeenListener>();
  readonly #changed = new Set<FleetBreaker>();
  readonly #firstSeen: { agent: AgentIdentity; breaker: string; at: number }[] = [];
  #sorted: FleetBreaker[] | null = null;
  #instanceCount = 0;
  #agentCount = 0;
  #refused = 0;
  #madeRoomAt = Number.NEGATIVE_INFINITY;
  #sweptAt: number;

  constructor(options: FleetOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#limits = {
      staleAfterMs: options.staleAfterMs ?? 90_000,
      goneAfterMs: options.goneAfterMs ?? 600_000,
      forgetAfterMs: options.forgetAfterMs ?? 86_400_000,
    };
    this.#maxBreakerInstances = options.maxBreakerInstances ?? 200_000;
    this.#sweptAt = this.#now();
  }

  /** Takes metrics and events in. The newest of `breaker.status` and the events of a transition or an override decides a state. */
  apply(observations: readonly Observation[]): void {
    const now = this.#now();
    const latest = now + MAX_CLOCK_LEAD_MS;
    let identity: AgentIdentity | undefined;
    let agent: FleetAgent | undefined;
    let name: string | undefined;
    let found: Found | undefined;
    for (const observation of observations) {
      if (observation.agent !== identity) {
        identity = observation.agent;
        agent = this.#agent(identity, now);
        if (agent) this.#sawTelemetry(agent, identity, now);
        name = undefined;
      }
      if (agent && observation.breaker !== name) {
        name = observation.breaker;
        found = this.#instance(agent, name, now);
        if (found) this.#sawInstance(found, now);
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
      else if (changed) this.#changed.add(found.breaker);
    }
    this.#announce();
  }

  /** Takes in which breakers a process has, as they are in effect. What it no longer names is gone. */
  reportInventory(identity: AgentIdentity, inventory: Inventory): void {
    const now = this.#now();
    const agent = this.#connect(identity, now);
    for (const [name, breaker] of Object.entries(inventory.breakers)) {
      const found = agent && this.#instance(agent, name, now);
      if (!found) {
        this.#refused += 1;
        continue;
      }
      found.instance.applyInventory(breaker, now);
      found.instance.announced = found.instance.liveness(now, this.#limits);
      this.#changed.add(found.breaker);
    }
    if (agent)
      for (const [name, instance] of agent.breakers)
        if (!Object.hasOwn(inventory.breakers, name) && instance.leave(now)) this.#markChanged(agent.service, name);
    this.#announce();
  }

  /** A sign of life of a process over OpAMP: all of its breakers are live. */
  sawAgent(identity: AgentIdentity): void {
    this.#connect(identity, this.#now());
    this.#announce();
  }

  /** A process said goodbye: it is gone at once. What it flushes behind that still counts, but does not revive it. */
  agentLeft(identity: AgentIdentity): void {
    const agent = this.#services.get(identity.service)?.agents.get(identity.instance);
    if (!agent || agent.left) return;
    agent.left = true;
    agent.leftAt = this.#now();
    this.#refreshLiveness(agent, agent.leftAt);
    this.#announce();
  }

  /** Takes back what was known before a restart: stale or gone, without a state, until it is heard of. */
  restore(known: readonly { agent: AgentIdentity; breaker: string; lastSeenAt: number }[]): void {
    const now = this.#now();
    for (const { agent: identity, breaker, lastSeenAt } of known) {
      if (now - lastSeenAt >= this.#limits.forgetAfterMs) continue;
      const agent = this.#agent(identity, now);
      agent?.restore(Math.min(lastSeenAt, now));
      const found = agent && this.#instance(agent, breaker, null);
      if (!found) {
        this.#refused += 1;
        continue;
      }
      agent.describe(identity);
      found.instance.restore(Math.min(lastSeenAt, now));
      found.instance.announced = found.instance.liveness(now, this.#limits);
      this.#changed.add(found.breaker);
    }
    this.#announce();
  }

  /** What the control plane wants a breaker to be; kept for breakers that are not known yet, but creates none. */
  setDesired(service: string, breaker: string, desired: { revision: number; override: Override | null } | null): void {
    const ofService = this.#desired.get(service) ?? new Map<string, Desired>();
    if (desired) {
      ofService.set(breaker, { ...desired });
      this.#desired.set(service, ofService);
    } else {
      ofService.delete(breaker);
      if (ofService.size === 0) this.#desired.delete(service);
    }
    this.#markChanged(service, breaker);
    this.#announce();
  }

  has(service: string, breaker: string): boolean {
    return this.#services.get(service)?.breakers.has(breaker) ?? false;
  }

  hasService(service: string): boolean {
    return this.#services.has(service);
  }

  breaker(service: string, breaker: string): BreakerDetail | undefined {
    const entry = this.#services.get(service)?.breakers.get(breaker);
    return entry && breakerDetail(entry, this.#desiredOf(entry), this.#now(), this.#limits);
  }

  /**
   * One page of breakers, sorted by service and breaker.
   * @throws InvalidInputError for a cursor that no page gave out, or a limit outside 1 to 1,000
   */
  breakers(query: BreakerQuery = {}): Page<BreakerView> {
    const now = this.#now();
    const text = query.q?.toLowerCase();
    const view = (entry: FleetBreaker) => breakerView(entry, this.#desiredOf(entry), now, this.#limits);
    const wanted = (entry: FleetBreaker) =>
      (query.service === undefined || entry.service === query.service) &&
      (text === undefined ||
        entry.service.toLowerCase().includes(text) ||
        entry.breaker.toLowerCase().includes(text)) &&
      (query.state === undefined || view(entry).state === query.state);
    const { items, nextCursor } = pageOfBreakers(this.#sort(), wanted, query);
    return { items: items.map(view), nextCursor };
  }

  /** All processes, sorted by service and instance. */
  agents(): AgentView[] {
    const now = this.#now();
    const views: AgentView[] = [];
    for (const { agents } of this.#services.values())
      for (const agent of agents.values()) views.push(agent.view(now, this.#limits));
    return views.sort((a, b) =>
      a.service === b.service ? (a.instance < b.instance ? -1 : 1) : a.service < b.service ? -1 : 1,
    );
  }

  /**
   * Hears of every breaker whose view changed, once per call that changed it; also of one that is no longer known. That
   * nothing but `lastSeenAt` moved is not told. Returns how to stop listening.
   */
  onChange(listener: ChangeListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Hears of each breaker on each instance the first time it is seen. Returns how to stop listening. */
  onFirstSeen(listener: FirstSeenListener): () => void {
    this.#firstSeenListeners.add(listener);
    return () => this.#firstSeenListeners.delete(listener);
  }

  /** Announces what became stale or gone, or whose override expired, and forgets what has been silent for too long. */
  sweep(): void {
    const now = this.#now();
    for (const { agents } of this.#services.values())
      for (const agent of agents.values()) {
        this.#refreshLiveness(agent, now);
        this.#forget(agent, (instance) => now - instance.lastSeenAt >= this.#limits.forgetAfterMs);
        if (agent.breakers.size === 0 && now - agent.lastSeenAt >= this.#limits.forgetAfterMs) this.#dropAgent(agent);
      }
    for (const [service, breakers] of this.#desired)
      for (const [breaker, { override }] of breakers) {
        const expiresAt = override === null ? Number.NaN : Date.parse(override.expiresAt);
        if (expiresAt > this.#sweptAt && expiresAt <= now) this.#markChanged(service, breaker);
      }
    this.#sweptAt = now;
    this.#announce();
  }

  stats(): FleetStats {
    const now = this.#now();
    const instances: Record<Liveness, number> = { live: 0, stale: 0, gone: 0 };
    const states = emptyStates();
    let breakers = 0;
    for (const service of this.#services.values()) {
      breakers += service.breakers.size;
      for (const entry of service.breakers.values())
        for (const instance of entry.instances.values()) {
          const alive = instance.liveness(now, this.#limits);
          instances[alive] += 1;
          if (alive === 'live' && instance.state !== null) states[instance.state] += 1;
        }
    }
    return { services: this.#services.size, breakers, instances, states, refused: this.#refused };
  }

  #connect(identity: AgentIdentity, now: number): FleetAgent | undefined {
    const agent = this.#agent(identity, now);
    if (!agent) return undefined;
    agent.left = false;
    agent.heartbeatAt = now;
    agent.saw(now);
    if (agent.describe(identity)) for (const name of agent.breakers.keys()) this.#markChanged(agent.service, name);
    this.#refreshLiveness(agent, now);
    return agent;
  }

  #sawTelemetry(agent: FleetAgent, identity: AgentIdentity, now: number): void {
    agent.saw(now);
    if (agent.left && now - agent.leftAt > LAST_FLUSH_MS) agent.left = false;
    if (agent.describe(identity)) for (const name of agent.breakers.keys()) this.#markChanged(agent.service, name);
  }

  #sawInstance({ breaker, instance }: Found, now: number): void {
    instance.saw(now);
    this.#refreshInstance(breaker, instance, now);
  }

  #refreshLiveness(agent: FleetAgent, now: number): void {
    for (const [name, instance] of agent.breakers)
      this.#refreshInstance(this.#services.get(agent.service)!.breakers.get(name)!, instance, now);
  }

  #refreshInstance(breaker: FleetBreaker, instance: BreakerInstance, now: number): void {
    const alive = instance.liveness(now, this.#limits);
    if (alive === instance.announced) return;
    instance.announced = alive;
    this.#changed.add(breaker);
  }

  #agent(identity: AgentIdentity, now: number): FleetAgent | undefined {
    const known = this.#services.get(identity.service)?.agents.get(identity.instance);
    if (known) return known;
    if (this.#agentCount >= this.#maxBreakerInstances) this.#makeRoom(now);
    if (this.#agentCount >= this.#maxBreakerInstances) return undefined;
    let service = this.#services.get(identity.service);
    if (!service) {
      service = { breakers: new Map(), agents: new Map() };
      this.#services.set(identity.service, service);
    }
    const agent = new FleetAgent(identity);
    service.agents.set(identity.instance, agent);
    this.#agentCount += 1;
    return agent;
  }

  /** @param firstSeenAt null where it is not seen, but restored. */
  #instance(agent: FleetAgent, name: string, firstSeenAt: number | null): Found | undefined {
    const known = agent.breakers.get(name);
    const service = this.#services.get(agent.service)!;
    if (known) return { breaker: service.breakers.get(name)!, instance: known };
    if (this.#instanceCount >= this.#maxBreakerInstances) {
      if (firstSeenAt === null) return undefined;
      this.#makeRoom(firstSeenAt);
      // The agent itself may have been what was gone.
      if (this.#instanceCount >= this.#maxBreakerInstances || service.agents.get(agent.instance) !== agent)
        return undefined;
    }
    const { breakers } = service;
    let breaker = breakers.get(name);
    if (!breaker) {
      breaker = { service: agent.service, breaker: name, instances: new Map() };
      breakers.set(name, breaker);
      this.#sorted = null;
    }
    const instance = new BreakerInstance(agent);
    breaker.instances.set(agent.instance, instance);
    agent.breakers.set(name, instance);
    this.#instanceCount += 1;
    this.#changed.add(breaker);
    if (firstSeenAt !== null) this.#firstSeen.push({ agent: identityOf(agent), breaker: name, at: firstSeenAt });
    return { breaker, instance };
  }

  /** A full fleet gives up what is gone before it turns away what is there. */
  #makeRoom(now: number): void {
    if (now - this.#madeRoomAt < MAKE_ROOM_EVERY_MS) return;
    this.#madeRoomAt = now;
    for (const { agents } of this.#services.values())
      for (const agent of agents.values()) {
        if (agent.view(now, this.#limits).liveness !== 'gone') continue;
        this.#forget(agent, (instance) => instance.liveness(now, this.#limits) === 'gone');
        if (agent.breakers.size === 0) this.#dropAgent(agent);
      }
  }

  #forget(agent: FleetAgent, old: (instance: BreakerInstance) => boolean): void {
    const service = this.#services.get(agent.service)!;
    for (const [name, instance] of agent.breakers) {
      if (!old(instance)) continue;
      const breaker = service.breakers.get(name)!;
      breaker.instances.delete(agent.instance);
      agent.breakers.delete(name);
      this.#instanceCount -= 1;
      this.#changed.add(breaker);
      if (breaker.instances.size > 0) continue;
      service.breakers.delete(name);
      this.#sorted = null;
    }
  }

  #dropAgent(agent: FleetAgent): void {
    const service = this.#services.get(agent.service)!;
    service.agents.delete(agent.instance);
    this.#agentCount -= 1;
    if (service.agents.size === 0) this.#services.delete(agent.service);
  }

  #sort(): FleetBreaker[] {
    this.#sorted ??= Array.from(this.#services.values(), ({ breakers }) => Array.from(breakers.values()))
      .flat()
      .sort(compareBreakers);
    return this.#sorted;
  }

  #desiredOf({ service, breaker }: FleetBreaker): Desired | null {
    return this.#desired.get(service)?.get(breaker) ?? null;
  }

  #markChanged(service: string, breaker: string): void {
    const entry = this.#services.get(service)?.breakers.get(breaker);
    if (entry) this.#changed.add(entry);
  }

  #announce(): void {
    const firstSeen = this.#firstSeen.splice(0);
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const { agent, breaker, at } of firstSeen)
      for (const listener of this.#firstSeenListeners) listener(agent, breaker, at);
    for (const { service, breaker } of changed)
      for (const listener of this.#changeListeners) listener(service, breaker);
  }
}

interface ServiceEntry {
  readonly breakers: Map<string, FleetBreaker>;
  /** By instance id. */
  readonly agents: Map<string, FleetAgent>;
}

interface Found {
  readonly breaker: FleetBreaker;
  readonly instance: BreakerInstance;
}

function identityOf({ service, instance, version, environment }: FleetAgent): AgentIdentity {
  return { service, instance, ...(version !== null && { version }), ...(environment !== null && { environment }) };
}
