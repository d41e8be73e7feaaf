import type { Drain } from './drain.ts';
import type { HeldCalls } from './held-calls.ts';
import type { Spool } from './spool/spool.ts';

/** Calls dropped at a time. */
const AT_A_TIME = 1_000;

/**
 * Drops what is held now, reason `shutdown`. Returns how many.
 * @param all those too that are being replayed
 */
export async function dropHeld(spool: Spool, held: HeldCalls, drain: Drain, all: boolean): Promise<number> {
  let dropped = 0;
  for (let left = held.depth; left > 0; ) {
    const oldest = await spool.peek(AT_A_TIME + (all ? 0 : drain.taken));
    const victims = (all ? oldest : oldest.filter(({ id }) => !drain.has(id))).slice(0, left);
    if (victims.length === 0) break;
    const ends = await Promise.all(victims.map((call) => held.drop(call, 'shutdown')));
    dropped += ends.filter((ended) => ended).length;
    left -= victims.length;
  }
  return dropped;
}
