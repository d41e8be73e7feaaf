/** A body is larger than a wire keeps. */
export class BodyTooLargeError extends Error {
  readonly code = 'BODY_TOO_LARGE';
  readonly mostBytes: number;

  constructor(mostBytes: number) {
    super(`The body has more than ${mostBytes} bytes, the most that is kept of one`);
    this.name = 'BodyTooLargeError';
    this.mostBytes = mostBytes;
  }
}
