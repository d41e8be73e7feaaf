import { randomUUID } from 'node:crypto';

const PREFIX = randomUUID();
let made = 0;

/** A key that no other call has, in this process or another one. Cheaper than a UUID for each. */
export function createIdempotencyKey(): string {
  return `${PREFIX}-${++made}`;
}
