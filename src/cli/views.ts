import type { AppliedRevision, BreakerState, CallOutcome, Override, SettingsPatch } from '@switchgear/conventions';

/** What the command reads of the API's answers. Fields it does not show are left out; `--json` prints the answer whole. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface Delivery {
  readonly revision: number;
  readonly applied: number;
  readonly failed: number;
  readonly pending: number;
}

export interface Wire {
  readonly name: string;
  readonly served: number;
  readonly failed: number;
  readonly depth: number;
  readonly capacity: number;
  readonly oldestAgeSeconds: number;
  readonly replayed: number;
  readonly dropped: number;
}

export interface BreakerItem {
  readonly service: string;
  readonly breaker: string;
  readonly state: BreakerState | null;
  readonly instances: { readonly live: number; readonly stale: number; readonly gone: number };
  readonly calls: Readonly<Record<CallOutcome, number>>;
  readonly wires: readonly Wire[];
  readonly override: Override | null;
  readonly delivery: Delivery;
  readonly lastSeenAt: string;
}

export interface BreakerInstance {
  readonly instance: string;
  readonly version: string | null;
  readonly liveness: string;
  readonly lastSeenAt: string;
  readonly state: BreakerState | null;
  readonly stateSince: string | null;
  readonly failureRatio: number | null;
  readonly applied: AppliedRevision | null;
  /** Those that the control plane knows; null where the instance has not reported them. */
  readonly settings: SettingsPatch | null;
}

export interface BreakerDetailItem extends BreakerItem {
  readonly byInstance: readonly BreakerInstance[];
}

export interface EventItem {
  readonly at: string;
  readonly service: string;
  readonly instance: string;
  readonly breaker: string;
  readonly event: string;
  readonly severity: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface AuditItem {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly service: string;
  readonly breaker: string;
  readonly reason: string | null;
  readonly revision: number;
  /** What is desired since: an override, settings, or null. */
  readonly after?: unknown;
}

export interface AgentItem {
  readonly service: string;
  readonly instance: string;
  readonly version: string | null;
  readonly environment: string | null;
  readonly liveness: string;
  readonly lastSeenAt: string;
  readonly breakers: number;
  readonly connected: boolean;
}

export interface ConfigAnswer {
  readonly revision: number;
  readonly config: SettingsPatch | null;
}

/** An accepted change: the revision its instances will report. */
export interface Accepted {
  readonly revision: number;
}
