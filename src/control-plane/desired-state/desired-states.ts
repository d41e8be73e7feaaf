import type { ActionKind, BreakerSettings, DesiredState, Override, SettingsPatch } from '@switchgear/conventions';
import type { AppliedChange, AuditEntry, DecideChange, DesiredRecord, Store } from '../store/store.ts';
import {
  actionChange,
  configChange,
  DesiredStateConflictError,
  expiryChange,
  type OverrideRequest,
  overrideChange,
  releaseChange,
} from './changes.ts';
import { ACTION_DELIVERY_MS, buildDocument, type EncodedDocument, encodeDocument, isExpired } from './document.ts';

/** What is desired of one breaker, as the read model shows it. */
export interface DesiredSummary {
  readonly revision: number;
  readonly override: Override | null;
}

export interface DesiredStatesOptions {
  readonly store: Store;
  /** Wall clock in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Hears of every committed change, after the documents show it. Must not throw. */
  readonly onChange?: (record: DesiredRecord, entry: AuditEntry) => void;
}

/**
 * What the operators want of every breaker. Each change is validated, gets the next revision of the store, and is
 * committed together with its audit entry before the promise resolves. The records are kept in memory as well: one per
 * breaker that was ever steered.
 */
export class DesiredStates {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #onChange: (record: DesiredRecord, entry: AuditEntry) => void;
  readonly #services = new Map<string, Map<string, DesiredRecord>>();
  readonly #encoded = new Map<string, EncodedDocument>();
  readonly #listeners = new Set<(service: string) => void>();
  #sweeping: Promise<void> | undefined;

  constructor(options: DesiredStatesOptions) {
    this.#store = options.store;
    this.#now = options.now ?? Date.now;
    this.#onChange = options.onChange ?? (() => {});
  }

  /** Reads what the store holds; call it once, before anything else. */
  async load(): Promise<readonly DesiredRecord[]> {
    const records = await this.#store.desired();
    for (const record of records) this.#keep(record);
    return records;
  }

  get(service: string, breaker: string): DesiredRecord | undefined {
    return this.#services.get(service)?.get(breaker);
  }

  /** The document for every instance of a service, as of now. */
  documentFor(service: string): DesiredState {
    return buildDocument(this.#services.get(service)?.values() ?? [], this.#now());
  }

  /** The same document as text with its hash; kept until something in it changes. */
  encodedFor(service: string): EncodedDocument {
    const kept = this.#encoded.get(service);
    if (kept) return kept;
    if (!this.#services.has(service)) return EMPTY;
    const encoded = encodeDocument(this.documentFor(service));
    this.#encoded.set(service, encoded);
    return encoded;
  }

  /** Calls `listener` with a service whenever its document has changed. Returns the way to stop it. */
  onDocumentChange(listener: (service: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws InvalidInputError */
  async override(service: string, breaker: string, request: OverrideRequest, actor: string): Promise<DesiredRecord> {
    return this.#change(service, breaker, overrideChange(request, actor, this.#now()));
  }

  /** @throws InvalidInputError */
  async release(service: string, breaker: string, reason: string | null, actor: string): Promise<DesiredRecord> {
    return this.#change(service, breaker, releaseChange(reason, actor, this.#now()));
  }

  /** @throws InvalidInputError, DesiredStateConflictError while an override is held. */
  async act(service: string, breaker: string, kind: ActionKind, reason: string, actor: string): Promise<DesiredRecord> {
    return this.#change(service, breaker, actionChange(kind, reason, actor, this.#now()));
  }

  /** @throws InvalidInputError */
  async configure(
    service: string,
    breaker: string,
    patch: SettingsPatch,
    reported: readonly BreakerSettings[],
    actor: string,
  ): Promise<DesiredRecord> {
    return this.#change(service, breaker, configChange(patch, reported, actor, this.#now()));
  }

  /** Removes overrides that have run out and takes delivered actions out of the documents. Call it about once a second. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const now = this.#now();
    for (const [service, records] of this.#services) {
      for (const record of [...records.values()]) {
        if (record.override && isExpired(record.override, now)) await this.#expire(record, now);
      }
      const delivered = [...records.values()].filter(({ action }) => action && now >= action.at + ACTION_DELIVERY_MS);
      if (delivered.length === 0) continue;
      // The store keeps the action: its age says that it is over, so taking it out needs no revision and no audit entry.
      for (const record of delivered) records.set(record.breaker, { ...record, action: null });
      this.#documentChanged(service);
    }
  }

  async #expire(record: DesiredRecord, now: number): Promise<void> {
    try {
      await this.#change(record.service, record.breaker, expiryChange(now));
    } catch (error) {
      // An operator was faster: what is held now is not what ran out.
      if (!(error instanceof DesiredStateConflictError)) throw error;
    }
  }

  async #change(service: string, breaker: string, decide: DecideChange): Promise<DesiredRecord> {
    const { record, entry }: AppliedChange = await this.#store.changeDesired(service, breaker, decide);
    // Two changes may resolve out of order on a store that is not embedded: the newer one stays.
    if ((this.get(service, breaker)?.revision ?? 0) < record.revision) this.#keep(record);
    this.#onChange(record, entry);
    this.#documentChanged(service);
    return record;
  }

  #keep(record: DesiredRecord): void {
    let records = this.#services.get(record.service);
    if (!records) {
      records = new Map();
      this.#services.set(record.service, records);
    }
    records.set(record.breaker, record);
  }

  #documentChanged(service: string): void {
    this.#encoded.delete(service);
    for (const listener of this.#listeners) listener(service);
  }
}

const EMPTY: EncodedDocument = encodeDocument(buildDocument([], 0));
