import type { EventEmitter } from 'node:events';

/** What a bridge needs of a breaker of opossum 8.4 to 10. */
export interface OpossumBreaker extends Pick<EventEmitter, 'on' | 'off' | 'prependListener'> {
  readonly name: string;
  readonly enabled: boolean;
  readonly opened: boolean;
  readonly halfOpen: boolean;
  readonly warmUp: boolean;
  readonly volumeThreshold: number;
  readonly isShutdown: boolean;
  readonly status: { readonly window: readonly (OpossumBucket | undefined)[] };
  open(): void;
  close(): void;
  enable(): void;
  disable(): void;
}

/** A part of its rolling window. */
export interface OpossumBucket {
  readonly fires: number;
  readonly failures: number;
}

/** What its types do not show: the options it was made with, and who counts the calls in flight. */
export interface OpossumInside {
  readonly options?: {
    readonly timeout?: number | false;
    readonly resetTimeout?: number;
    readonly errorThresholdPercentage?: number;
    readonly rollingCountTimeout?: number;
    readonly capacity?: number;
    readonly cache?: boolean;
  };
  readonly semaphore?: { readonly count: number };
}
