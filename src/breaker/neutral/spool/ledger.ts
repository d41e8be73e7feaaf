import { DROP_REASONS, type DropReason } from '@switchgear/conventions';
import type { SpoolTotals } from './spool.ts';

/** What has become of a spool's calls, and the bytes of those it holds: what it holds is what is left of `received`. */
export interface Ledger {
  readonly received: number;
  readonly replayed: number;
  readonly dead: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly heldBytes: number;
}

export const EMPTY_LEDGER: Ledger = {
  received: 0,
  replayed: 0,
  dead: 0,
  dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>,
  heldBytes: 0,
};

export function depthOf({ received, ...ended }: Ledger): number {
  return received - endedOf(ended);
}

export function endedOf({ replayed, dead, dropped }: Omit<Ledger, 'received' | 'heldBytes'>): number {
  return replayed + dead + DROP_REASONS.reduce((sum, reason) => sum + dropped[reason], 0);
}

export function totalsOf({ received, replayed, dead, dropped }: Ledger): SpoolTotals {
  return { received, replayed, dead, dropped };
}

/** As it is written: a number by name. */
export function ledgerEntries({ received, replayed, dead, dropped, heldBytes }: Ledger): [string, number][] {
  const drops = DROP_REASONS.map((reason): [string, number] => [`dropped.${reason}`, dropped[reason]]);
  return [['received', received], ['replayed', replayed], ['dead', dead], ['heldBytes', heldBytes], ...drops];
}

/** Undefined where a number is none, or less is received than has ended. */
export function ledgerFrom(entries: ReadonlyMap<string, unknown>): Ledger | undefined {
  const names = ledgerEntries(EMPTY_LEDGER).map(([name]) => name);
  const numbers = new Map(names.map((name) => [name, entries.get(name) ?? 0]));
  // A size is what `sizeOf` says, which may be a fraction.
  const isSound = (name: string, value: unknown) =>
    (name === 'heldBytes' ? Number.isFinite(value) : Number.isSafeInteger(value)) && (value as number) >= 0;
  if ([...numbers].some(([name, value]) => !isSound(name, value))) return undefined;
  const of = (name: string) => numbers.get(name) as number;
  const ledger: Ledger = {
    received: of('received'),
    replayed: of('replayed'),
    dead: of('dead'),
    dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, of(`dropped.${reason}`)])) as Ledger['dropped'],
    heldBytes: of('heldBytes'),
  };
  return depthOf(ledger) < 0 ? undefined : ledger;
}
