import { InvalidInputError } from '@switchgear/conventions';
import type { FleetBreaker } from './breaker-view.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** The items after a cursor, and the cursor of the next page. */
export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

/**
 * One page of breakers in the order of service and breaker. The cursor names the last breaker of the page before, so
 * that breakers which come and go meanwhile neither repeat nor hide others.
 * @throws InvalidInputError for a cursor that no page gave out, and a limit that is no integer from 1 to 1,000
 */
export function pageOfBreakers(
  sorted: readonly FleetBreaker[],
  wanted: (breaker: FleetBreaker) => boolean,
  { cursor, limit = DEFAULT_LIMIT }: { cursor?: string; limit?: number },
): Page<FleetBreaker> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidInputError([{ field: 'limit', rule: `must be an integer from 1 to ${MAX_LIMIT}`, value: limit }]);
  const items: FleetBreaker[] = [];
  for (let at = cursor === undefined ? 0 : after(sorted, readCursor(cursor)); at < sorted.length; at += 1) {
    const breaker = sorted[at]!;
    if (!wanted(breaker)) continue;
    if (items.length === limit) return { items, nextCursor: writeCursor(items.at(-1)!) };
    items.push(breaker);
  }
  return { items, nextCursor: null };
}

type Key = Pick<FleetBreaker, 'service' | 'breaker'>;

export function compareBreakers(a: Key, b: Key): number {
  if (a.service !== b.service) return a.service < b.service ? -1 : 1;
  return a.breaker === b.breaker ? 0 : a.breaker < b.breaker ? -1 : 1;
}

function after(sorted: readonly FleetBreaker[], key: Key): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBreakers(sorted[middle]!, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function writeCursor({ service, breaker }: Key): string {
  return Buffer.from(JSON.stringify([service, breaker])).toString('base64url');
}

function readCursor(cursor: string): Key {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.length === 2 && typeof key[0] === 'string' && typeof key[1] === 'string')
      return { service: key[0], breaker: key[1] };
  } catch {
    // Falls through to the one answer for all cursors that are none.
  }
  throw new InvalidInputError([{ field: 'cursor', rule: 'must be a nextCursor of this list', value: cursor }]);
}
