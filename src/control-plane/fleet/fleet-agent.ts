import type { AgentIdentity } from '../ingest/observation.ts';
import type { BreakerInstance, InstanceOwner } from './breaker-instance.ts';
import { type LivenessLimits, liveness } from './liveness.ts';
import type { AgentView } from './view.ts';

/** One process with breakers. */
export class FleetAgent implements InstanceOwner {
  readonly service: string;
  readonly instance: string;
  readonly breakers = new Map<string, BreakerInstance>();
  version: string | null = null;
  environment: string | null = null;
  /** When OpAMP last brought news of the whole process. */
  heartbeatAt = Number.NEGATIVE_INFINITY;
  left = false;
  leftAt = Number.NEGATIVE_INFINITY;
  #seenAt = Number.NEGATIVE_INFINITY;
  #heard = false;

  constructor(identity: AgentIdentity) {
    this.service = identity.service;
    this.instance = identity.instance;
    this.describe(identity);
  }

  /** True where it changed what is known of it. */
  describe({ version = this.version, environment = this.environment }: PartialDescription): boolean {
    if (version === this.version && environment === this.environment) return false;
    this.version = version;
    this.environment = environment;
    return true;
  }

  get identity(): AgentIdentity {
    const { service, instance, version, environment } = this;
    return { service, instance, ...(version !== null && { version }), ...(environment !== null && { environment }) };
  }

  get lastSeenAt(): number {
    return Math.max(this.#seenAt, this.heartbeatAt);
  }

  saw(now: number): void {
    this.#seenAt = now;
    this.#heard = true;
  }

  /** Known from before a restart, and not heard of since. */
  restore(lastSeenAt: number, left: boolean): void {
    this.#seenAt = Math.max(this.#seenAt, lastSeenAt);
    this.left = left;
    if (left) this.leftAt = this.#seenAt;
  }

  view(now: number, limits: LivenessLimits): AgentView {
    const { left, lastSeenAt } = this;
    const alive = liveness({ lastSeenAt, left, heard: this.#heard }, now, limits);
    return {
      service: this.service,
      instance: this.instance,
      version: this.version,
      environment: this.environment,
      liveness: alive,
      lastSeenAt: new Date(lastSeenAt).toISOString(),
      breakers: this.breakers.size,
      connected: !left && now - this.heartbeatAt < limits.staleAfterMs,
    };
  }
}

/** A text of its own for each process. */
export function agentKey({ service, instance }: AgentIdentity): string {
  return JSON.stringify([service, instance]);
}

interface PartialDescription {
  readonly version?: string | null;
  readonly environment?: string | null;
}
