import type { AgentIdentity } from '../ingest/observation.ts';
import { BreakerInstance } from './breaker-instance.ts';
import { compareBreakers } from './breaker-page.ts';
import type { FleetBreaker } from './breaker-view.ts';
import { FleetAgent } from './fleet-agent.ts';
import type { FleetNews } from './fleet-news.ts';
import type { LivenessLimits } from './liveness.ts';

/** How often room is looked for when the fleet is full. */
const MAKE_ROOM_EVERY_MS = 1_000;

export interface MembershipOptions {
  readonly limits: LivenessLimits;
  /** Breakers times instances that are kept; processes without breakers have the same bound. */
  readonly maxBreakerInstances: number;
  readonly news: FleetNews;
}

/** One breaker on one instance. */
export interface Member {
  readonly breaker: FleetBreaker;
  readonly instance: BreakerInstance;
}

interface ServiceEntry {
  readonly breakers: Map<string, FleetBreaker>;
  /** By instance id. */
  readonly agents: Map<string, FleetAgent>;
}

/** Which services, processes and breakers there are: who comes in, whether there is room, and who is forgotten. */
export class Membership {
  readonly #limits: LivenessLimits;
  readonly #maxBreakerInstances: number;
  readonly #news: FleetNews;
  readonly #services = new Map<string, ServiceEntry>();
  #sorted: FleetBreaker[] | null = null;
  #instanceCount = 0;
  #agentCount = 0;
  #madeRoomAt = Number.NEGATIVE_INFINITY;

  constructor({ limits, maxBreakerInstances, news }: MembershipOptions) {
    this.#limits = limits;
    this.#maxBreakerInstances = maxBreakerInstances;
    this.#news = news;
  }

  get serviceCount(): number {
    return this.#services.size;
  }

  hasService(service: string): boolean {
    return this.#services.has(service);
  }

  breaker(service: string, breaker: string): FleetBreaker | undefined {
    return this.#services.get(service)?.breakers.get(breaker);
  }

  agent(identity: AgentIdentity): FleetAgent | undefined {
    return this.#services.get(identity.service)?.agents.get(identity.instance);
  }

  *agents(): Generator<FleetAgent> {
    for (const { agents } of this.#services.values()) yield* agents.values();
  }

  /** All breakers, sorted by service and breaker. */
  sortedBreakers(): readonly FleetBreaker[] {
    this.#sorted ??= Array.from(this.#services.values(), ({ breakers }) => Array.from(breakers.values()))
      .flat()
      .sort(compareBreakers);
    return this.#sorted;
  }

  /** The process, taken in where it is new; undefined where there is no room. */
  admitAgent(identity: AgentIdentity, now: number): FleetAgent | undefined {
    const known = this.agent(identity);
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

  /**
   * A breaker of a process, taken in where it is new; undefined where there is no room.
   * @param firstSeenAt null where it is not seen, but restored.
   */
  admitInstance(agent: FleetAgent, name: string, firstSeenAt: number | null): Member | undefined {
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
    this.#news.changed(breaker);
    if (firstSeenAt !== null) this.#news.firstSeen(agent.identity, name, firstSeenAt);
    return { breaker, instance };
  }

  /** Forgets of a process what has been silent for too long, and the process with its last breaker. */
  forgetSilent(agent: FleetAgent, now: number): void {
    this.#forget(agent, (instance) => now - instance.lastSeenAt >= this.#limits.forgetAfterMs);
    if (agent.breakers.size === 0 && now - agent.lastSeenAt >= this.#limits.forgetAfterMs) this.#dropAgent(agent);
  }

  /** A full fleet gives up what is gone before it turns away what is there. */
  #makeRoom(now: number): void {
    if (now - this.#madeRoomAt < MAKE_ROOM_EVERY_MS) return;
    this.#madeRoomAt = now;
    for (const agent of this.agents()) {
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
      this.#news.changed(breaker);
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
}
