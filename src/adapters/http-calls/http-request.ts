import type { OutgoingCall } from '../outgoing/outgoing-call.ts';

/** An HTTP request as its guard sees it. What costs something to find out is a method, asked for only where a wire needs it. */
export interface HttpRequest extends OutgoingCall {
  /** Absolute, with the query. */
  readonly url: string;
  /** By lower-case name; several values of one name joined by `, `. */
  headers(): Readonly<Record<string, string>>;
  /**
   * The whole body once the caller has given it; undefined where there is none. One that is read once is kept of a call that is
   * sent only where a wire asked for it by `requestBytes`.
   * @throws BodyTooLargeError where such a one is larger than the most bytes that a wire asked for
   */
  body(): Promise<Uint8Array | undefined>;
}

/** What a breaker judges an HTTP call by: its response as far as the headers. */
export interface ResponseHead {
  readonly status: number;
  /** By lower-case name. */
  headers(): Readonly<Record<string, string>>;
}

/** A request as a buffer keeps it: plain JSON. */
export interface KeptRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In base64; null where there is none. */
  readonly body: string | null;
}
