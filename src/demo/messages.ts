import type { BreakerState, BreakerStats, TransitionReason } from '@switchgear/breaker';

export const SERVICES = ['shop', 'payments', 'inventory'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** What can go wrong, and in which service it is switched on. */
export const FAULTS = {
  'payments-errors': { service: 'payments', text: 'payments answers every charge with 500' },
  'inventory-slow': { service: 'inventory', text: 'inventory takes longer than the shop waits' },
  'payments-dead-port': { service: 'payments', text: "payments' port is closed" },
  'bank-errors': { service: 'payments', text: 'the bank behind payments answers 503' },
  'warehouse-errors': { service: 'inventory', text: 'the warehouse behind inventory answers 503' },
} as const satisfies Record<string, { service: ServiceName; text: string }>;
export type FaultName = keyof typeof FAULTS;

export interface BreakerReport {
  readonly breaker: string;
  readonly state: BreakerState;
  readonly stats: BreakerStats;
}

/** From a service to the demo. */
export type ServiceMessage =
  | {
      readonly type: 'ready';
      readonly url: string;
      /** null where the port asked for was taken. */
      readonly prometheusUrl: string | null;
      readonly instance: string;
    }
  | {
      readonly type: 'transition';
      readonly breaker: string;
      readonly from: BreakerState;
      readonly to: BreakerState;
      readonly reason: TransitionReason;
    }
  | { readonly type: 'stats'; readonly breakers: readonly BreakerReport[] }
  /** Orders charged since the last message, and how often so far one was to be charged again. */
  | { readonly type: 'charged'; readonly orders: readonly number[]; readonly duplicates: number };

/** From the demo to a service. */
export type DemoMessage =
  | { readonly type: 'fault'; readonly fault: FaultName; readonly active: boolean }
  /** Answer with the latest stats (and charges) at once. */
  | { readonly type: 'report' }
  | { readonly type: 'stop' };

/** The highest order number: 144 days at 40 a second, and 63 MB in a set of orders. */
export const MAX_ORDER_NUMBER = 500_000_000;

export interface Order {
  /** Rises from 0 to `MAX_ORDER_NUMBER`. */
  readonly number: number;
  readonly item: string;
  readonly amount: number;
}
