import { writeSync } from 'node:fs';
import { sqliteSpool } from '../../src/breaker/neutral/spool/sqlite-spool.ts';
import { keyOf } from './key-order.ts';

/**
 * A process that works on a spool at full speed until it is killed, and tells each step at once: `open`, `+ id` for a call that
 * is acknowledged, `< id` for one that it took, `^ id` before that is given back, `~ id` before its end and `- id` once that is
 * acknowledged.
 * Arguments: the file, and the number of the first call.
 */
const [file, first] = process.argv.slice(2) as [string, string];
const APPENDERS = 16;
/** More than there are keys to take: each looks for work while the ends of the others are on their way. */
const DRAINERS = 6;
/** Calls held, above which it ends more than it appends. */
const ENOUGH = 400;

let number = Number(first);
// Every second process gathers what it writes for a while, in which a kill finds ends that are begun and not made.
const spool = sqliteSpool(file, { commitEveryMs: number % 2_000_000 === 0 ? 0 : 10 });
await spool.open({ breaker: 'crash', wire: 'buffer' });
say('open');
await Promise.all([...Array.from({ length: APPENDERS }, append), ...Array.from({ length: DRAINERS }, drain)]);

async function append(): Promise<void> {
  for (;;) {
    const id = `${number++}`;
    await spool.append({
      id,
      operation: 'charge',
      input: { id, text: 'x'.repeat((number * 37) % 900) },
      key: `${keyOf(Number(id))}`,
      idempotencyKey: id,
      divertedAt: 1,
      expiresAt: 1e15,
      sizeBytes: 10,
      attempts: 0,
    });
    say(`+ ${id}`);
    // A turn for the drain.
    if (spool.load().depth > ENOUGH) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function drain(): Promise<void> {
  for (let round = 0; ; round++) {
    const calls = await spool.take(2, Date.now());
    for (const { id } of calls) say(`< ${id}`);
    await Promise.all(calls.map(({ id, attempts }) => (round % 7 === 0 ? giveBack(id, attempts + 1) : end(id))));
    if (calls.length === 0 || spool.load().depth < ENOUGH / 2) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function giveBack(id: string, attempts: number): Promise<void> {
  say(`^ ${id}`);
  await spool.giveBack(id, attempts, Date.now() + 3 * (attempts % 3));
}

async function end(id: string): Promise<void> {
  say(`~ ${id}`);
  if (!(await spool.end(id, { kind: 'replayed' }))) throw new Error(`${id} was not held`);
  say(`- ${id}`);
}

/** Written before it returns, so that what was said before the kill is heard. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
