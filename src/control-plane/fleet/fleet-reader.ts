import { type Page, pageOfBreakers } from './breaker-page.ts';
import { breakerDetail, breakerView, type Desired, emptyStates, type FleetBreaker } from './breaker-view.ts';
import type { DesiredRegister } from './desired-register.ts';
import type { BreakerQuery, FleetStats } from './fleet-options.ts';
import type { LivenessLimits } from './liveness.ts';
import type { Membership } from './membership.ts';
import type { AgentView, BreakerDetail, BreakerView, Liveness } from './view.ts';

export interface FleetReaderOptions {
  readonly members: Membership;
  readonly desired: DesiredRegister;
  readonly now: () => number;
  readonly limits: LivenessLimits;
}

/** Answers what is asked of the fleet; views are built when they are asked for. */
export class FleetReader {
  readonly #members: Membership;
  readonly #desired: DesiredRegister;
  readonly #now: () => number;
  readonly #limits: LivenessLimits;

  constructor({ members, desired, now, limits }: FleetReaderOptions) {
    this.#members = members;
    this.#desired = desired;
    this.#now = now;
    this.#limits = limits;
  }

  breaker(service: string, breaker: string): BreakerDetail | undefined {
    const entry = this.#members.breaker(service, breaker);
    return entry && breakerDetail(entry, this.#desiredOf(entry), this.#now(), this.#limits);
  }

  breakers(query: BreakerQuery): Page<BreakerView> {
    const now = this.#now();
    const text = query.q?.toLowerCase();
    const view = (entry: FleetBreaker) => breakerView(entry, this.#desiredOf(entry), now, this.#limits);
    const wanted = (entry: FleetBreaker) =>
      (query.service === undefined || entry.service === query.service) &&
      (text === undefined ||
        entry.service.toLowerCase().includes(text) ||
        entry.breaker.toLowerCase().includes(text)) &&
      (query.state === undefined || view(entry).state === query.state);
    const { items, nextCursor } = pageOfBreakers(this.#members.sortedBreakers(), wanted, query);
    return { items: items.map(view), nextCursor };
  }

  agents(): AgentView[] {
    const now = this.#now();
    const views = Array.from(this.#members.agents(), (agent) => agent.view(now, this.#limits));
    return views.sort((a, b) =>
      a.service === b.service ? (a.instance < b.instance ? -1 : 1) : a.service < b.service ? -1 : 1,
    );
  }

  stats(): Omit<FleetStats, 'refused'> {
    const now = this.#now();
    const instances: Record<Liveness, number> = { live: 0, stale: 0, gone: 0 };
    const states = emptyStates();
    const breakers = this.#members.sortedBreakers();
    for (const entry of breakers)
      for (const instance of entry.instances.values()) {
        const alive = instance.liveness(now, this.#limits);
        instances[alive] += 1;
        if (alive === 'live' && instance.state !== null) states[instance.state] += 1;
      }
    return { services: this.#members.serviceCount, breakers: breakers.length, instances, states };
  }

  #desiredOf({ service, breaker }: FleetBreaker): Desired | null {
    return this.#desired.get(service, breaker);
  }
}
