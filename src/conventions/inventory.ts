import type { BreakerSettings } from './settings.ts';
import type { BreakerState } from './words.ts';

export const INVENTORY_SCHEMA = 'switchgear.inventory/v1';

/** The name of the inventory in an OpAMP `EffectiveConfig`. */
export const INVENTORY_FILE = 'inventory.json';

/** What became of the desired state of one breaker on one instance. */
export interface AppliedRevision {
  readonly revision: number;
  readonly status: 'applied' | 'failed';
  /** Why it failed. */
  readonly error?: string;
}

export interface InventoryWire {
  readonly name: string;
  /** `fallback`, `buffer` or another kind of wire. */
  readonly kind: string;
  /** Calls it can hold; absent where it holds none. */
  readonly capacity?: number;
}

export interface InventoryBreaker {
  readonly state: BreakerState;
  /** Rises at every transition. */
  readonly generation: number;
  readonly settings: BreakerSettings;
  readonly neutralWires: readonly InventoryWire[];
  /** Absent until a desired state has named this breaker. */
  readonly applied?: AppliedRevision;
}

/** The breakers of one agent as they are in effect: sent up at connect and whenever something in it changed. */
export interface Inventory {
  readonly schema: typeof INVENTORY_SCHEMA;
  readonly breakers: Readonly<Record<string, InventoryBreaker>>;
}
