export interface CloseOptions {
  /** Milliseconds that its wires have to replay what they hold; default 0. */
  readonly drainForMs?: number;
  /** Called when its numbers are final, and waited for before its series end: for a last export. It must not reject. */
  readonly lastLook?: () => Promise<void>;
}
