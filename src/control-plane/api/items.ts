import { InvalidInputError } from '@switchgear/conventions';
import type { BreakerDetail, BreakerView } from '../fleet/view.ts';
import type { AuditEntry, Page, StoredEvent } from '../store/store.ts';
import type { AuditItem, EventItem } from './schemas.ts';

export function eventItemOf(event: StoredEvent): EventItem {
  return { ...event, at: new Date(event.at).toISOString() };
}

export function auditItemOf(entry: AuditEntry): AuditItem {
  return { ...entry, at: new Date(entry.at).toISOString() };
}

export function viewOf({ byInstance: _, ...view }: BreakerDetail): BreakerView {
  return view;
}

export function pageOf<T, Item>(page: Page<T>, itemOf: (entry: T) => Item) {
  return { items: page.items.map(itemOf), nextCursor: page.next === null ? null : encodeCursor(page.next) };
}

/** The store's part of a list query. */
export function pageQuery<T extends { cursor?: string | undefined; limit?: number | undefined }>(query: T) {
  const { cursor, limit, ...filter } = query;
  return {
    ...(filter as { service?: string; breaker?: string }),
    limit: limit ?? 100,
    ...(cursor !== undefined && { before: decodeCursor(cursor) }),
  };
}

function encodeCursor(before: number): string {
  return Buffer.from(`b${before}`).toString('base64url');
}

function decodeCursor(cursor: string): number {
  const before = /^b(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (before !== undefined) return Number(before);
  throw new InvalidInputError([{ field: 'cursor', rule: 'must be a nextCursor of this list', value: cursor }]);
}
