import { timestamp } from '@switchgear/conventions';
import { expect, test } from 'vitest';

/** Date.parse rolls a day that does not exist over into the next month, and an override lasted longer than written. */
test('a day that its month does not have is no time', () => {
  for (const day of ['2026-02-29', '2026-02-30', '2026-04-31']) {
    expect(timestamp(`${day}T12:00:00Z`, 'expiresAt')).toHaveLength(1);
  }
  for (const time of ['2028-02-29T12:00:00Z', '2026-12-31T23:59:59.999+05:30', '2026-01-01T00:00:00-08:00']) {
    expect(timestamp(time, 'expiresAt')).toEqual([]);
  }
});
