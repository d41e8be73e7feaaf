import type { Action, EventSeverity, Override, SettingsPatch } from '@switchgear/conventions';
import type { AgentIdentity } from '../ingest/observation.ts';

/**
 * Where the control plane keeps what must outlive it: events, known breakers, desired state and its audit trail.
 * A promise that has resolved means that the data survives the end of the process.
 */
export interface Store {
  /** Stores all of them or none. */
  appendEvents(events: readonly NewEvent[]): Promise<readonly StoredEvent[]>;
  /** Newest first. */
  events(query: EventQuery): Promise<Page<StoredEvent>>;
  /** Removes events older than `before` and the oldest above `maxCount`; returns how many it removed. */
  pruneEvents(limits: { readonly before: number; readonly maxCount: number }): Promise<number>;

  /** Adds breakers of agents, or takes them for being back, and moves their agent's `lastSeenAt` forward. */
  rememberBreakers(known: readonly KnownBreaker[]): Promise<void>;
  /** Moves `lastSeenAt` of agents that are already known. */
  touchAgents(
    seen: readonly { readonly service: string; readonly instance: string; readonly at: number }[],
  ): Promise<void>;
  /** Marks breakers that are known as gone, or as back. */
  markGone(marks: readonly GoneMark[]): Promise<void>;
  knownBreakers(): Promise<readonly KnownBreaker[]>;
  /** Removes agents last seen before `before`, with their breakers; returns how many agents it removed. */
  forgetAgents(before: number): Promise<number>;

  desired(): Promise<readonly DesiredRecord[]>;
  /**
   * Changes the desired state of one breaker and writes the audit entry in the same transaction. `decide` gets the
   * current record and the revision this change takes; what it throws undoes everything and is thrown here.
   */
  changeDesired(service: string, breaker: string, decide: DecideChange): Promise<AppliedChange>;
  /** Newest first. */
  audit(query: AuditQuery): Promise<Page<AuditEntry>>;

  /** Rejects where the store does not answer. */
  ping(): Promise<void>;
  /** Finishes what was begun. Calling it again does nothing. */
  close(): Promise<void>;
}

export interface NewEvent {
  /** When it happened, in milliseconds since the epoch, by the sender's clock. */
  readonly at: number;
  readonly service: string;
  readonly instance: string;
  readonly breaker: string;
  /** The event's name, such as `breaker.trip`. */
  readonly event: string;
  readonly severity: EventSeverity;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Hex. */
  readonly traceId: string | null;
  readonly spanId: string | null;
}

export interface StoredEvent extends NewEvent {
  /** Rises in the order of arrival. */
  readonly id: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The `before` of the next page; null where there is none. */
  readonly next: number | null;
}

export interface PageQuery {
  readonly service?: string;
  readonly breaker?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** Only entries whose id is below this. */
  readonly before?: number;
}

export interface EventQuery extends PageQuery {
  /** Any of these names. */
  readonly events?: readonly string[];
}

export type AuditQuery = PageQuery;

/** A breaker on an agent, as it was last known. */
export interface KnownBreaker {
  readonly agent: AgentIdentity;
  readonly breaker: string;
  /** When the agent was last heard of, in milliseconds since the epoch; of one that is gone, when it was itself. */
  readonly lastSeenAt: number;
  /** It said goodbye, was no longer named by its process, or was silent for too long. */
  readonly gone: boolean;
}

export interface GoneMark {
  readonly service: string;
  readonly instance: string;
  readonly breaker: string;
  /** When it was last heard of, in milliseconds since the epoch; null where it is back. */
  readonly goneSince: number | null;
}

/** What is wanted of one breaker of one service. */
export interface DesiredRecord {
  readonly service: string;
  readonly breaker: string;
  /** The revision of its last change. One counter serves the whole store and only rises. */
  readonly revision: number;
  readonly override: Override | null;
  readonly action: TimedAction | null;
  /** The generation of the last action, 0 before the first; it never falls. */
  readonly generation: number;
  readonly config: SettingsPatch | null;
}

export interface TimedAction extends Action {
  /** When it was asked for, in milliseconds since the epoch. */
  readonly at: number;
}

export const AUDIT_ACTIONS = ['override', 'release', 'expire', 'trip', 'reset', 'config'] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly actor: string;
  readonly action: AuditAction;
  readonly service: string;
  readonly breaker: string;
  readonly reason: string | null;
  readonly revision: number;
  /** What the change replaced, and with what: an override, an action or a patch; null where there was or is none. */
  readonly before: unknown;
  readonly after: unknown;
}

/** The parts of a record that a change decides; key, revision and id are the store's. */
export interface DesiredChange {
  readonly next: Pick<DesiredRecord, 'override' | 'action' | 'generation' | 'config'>;
  readonly audit: Pick<AuditEntry, 'at' | 'actor' | 'action' | 'reason' | 'before' | 'after'>;
}

export type DecideChange = (current: DesiredRecord | null, revision: number) => DesiredChange;

export interface AppliedChange {
  readonly record: DesiredRecord;
  readonly entry: AuditEntry;
}

/** Thrown at start where the data cannot be used: a corrupt file, a newer version, a folder without rights. */
export class StoreError extends Error {
  readonly code = 'STORE_UNUSABLE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
  }
}
