import type { InterceptorOptions, Metadata } from '@grpc/grpc-js';

/** What of `@grpc/grpc-js` is used and its types leave out. */
export interface Call {
  start(metadata: Metadata, listener?: Partial<Listener>): void;
  sendMessageWithContext(context: MessageContext, message: unknown): void;
  sendMessage(message: unknown): void;
  startRead(): void;
  halfClose(): void;
  cancelWithStatus(status: number, details: string): void;
  getPeer(): string;
  /** Since 1.14. */
  getAuthContext?(): unknown;
}

export interface Listener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveStatus(status: Status): void;
}

export interface Status {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

export interface MessageContext {
  readonly callback?: (error?: Error | null) => void;
}

export type Method = InterceptorOptions['method_definition'];

/** The statuses that a guard has to do with. */
export const OK = 0;
export const CANCELLED = 1;
export const DEADLINE_EXCEEDED = 4;
export const RESOURCE_EXHAUSTED = 8;
export const UNAVAILABLE = 14;
