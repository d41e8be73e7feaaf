import type { Claim } from './agreement.ts';
import type { Load } from './load.ts';
import type { ServiceMessage, ServiceName } from './messages.ts';
import { OrderSet } from './order-set.ts';
import type { Services } from './start-services.ts';
import type { Story } from './story.ts';
import { type Summary, summarize } from './summary.ts';

/** Keeps what the services say of themselves, and sums it up. */
export class Tally {
  readonly #story: Story;
  readonly #charged = new OrderSet();
  #duplicates = 0;

  /** @param story is told of every transition. */
  constructor(story: Story) {
    this.#story = story;
  }

  hear(service: ServiceName, message: ServiceMessage): void {
    if (message.type === 'transition') this.#story.transition(service, message);
    if (message.type === 'stats') this.#story.stats(service, message.breakers);
    if (message.type === 'charged') {
      for (const order of message.orders) this.#charged.add(order);
      this.#duplicates = message.duplicates;
    }
  }

  summary(services: Services, load: Load): Summary {
    return summarize({
      load: load.counts,
      accepted: load.accepted,
      charged: this.#charged,
      duplicates: this.#duplicates,
      breakers: Object.values(services).flatMap((service) => service.breakers),
    });
  }
}

/** What the control plane should say of every breaker. */
export function claimsOf(services: Services): Claim[] {
  // A collector has a pace of its own, and may not pass on to this control plane at all.
  const isStraight = !process.env.OTEL_EXPORTER_OTLP_ENDPOINT && !process.env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT;
  return Object.values(services).flatMap(({ name, instance, breakers }) =>
    breakers.map(({ breaker, state, stats }) => ({
      service: name,
      instance,
      breaker,
      state,
      calls: isStraight ? stats.calls : null,
    })),
  );
}

/** The breakers that are not closed, in words; empty where all are. */
export function statesOf(services: Services): string {
  return Object.values(services)
    .flatMap(({ name, breakers }) => breakers.map(({ breaker, state }) => ({ name: `${name} → ${breaker}`, state })))
    .filter(({ state }) => state !== 'closed')
    .map(({ name, state }) => `${name} ${state}`)
    .join(', ');
}

/** Asks every service for its numbers of this moment. */
export async function askAll(services: Services): Promise<void> {
  await Promise.all(Object.values(services).map((service) => service.report()));
}
