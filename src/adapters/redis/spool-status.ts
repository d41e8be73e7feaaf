import type { SpoolLoad, SpoolTotals } from '@switchgear/breaker/spool';
import { DROP_REASONS, type DropReason } from '@switchgear/conventions';

/** What each script says at its end, of one moment: in it, received = replayed + dead + dropped + held. */
export interface SpoolStatus {
  readonly load: SpoolLoad;
  /** Calls that are being replayed, by whatever process. */
  readonly taken: number;
  /** Wall time, ms, from which the first of the calls given back may be taken. */
  readonly firstDueAt: number | undefined;
  readonly totals: SpoolTotals;
}

/** Reads the list that the scripts' `status()` makes. */
export function readStatus(values: readonly unknown[]): SpoolStatus {
  const [depth, taken, due, bytes, oldest, received, replayed, dead, ...dropped] = values.map(readNumber);
  return {
    load: { depth: depth ?? 0, sizeBytes: bytes ?? 0, oldestDivertedAt: oldest },
    taken: taken ?? 0,
    firstDueAt: due,
    totals: {
      received: received ?? 0,
      replayed: replayed ?? 0,
      dead: dead ?? 0,
      dropped: Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, dropped[index] ?? 0])) as Record<
        DropReason,
        number
      >,
    },
  };
}

/** Nothing in it, as before the first answer. */
export const EMPTY_STATUS: SpoolStatus = readStatus([]);

function readNumber(value: unknown): number | undefined {
  const text = String(value ?? '');
  return text === '' ? undefined : Number(text);
}
