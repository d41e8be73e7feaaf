import { writeSync } from 'node:fs';
import { bufferWire, createBreaker, isReceipt, sqliteSpool } from '@switchgear/breaker';
import { keyOf } from './key-order.ts';

/**
 * A process whose breaker trips and resets all the time, with a SQLite spool behind it, until it is killed. It tells each
 * step at once: `open`, `+ number` for a call that has its receipt, `r number` for one that is replayed. Without a number
 * of the first call it only drains what is held, and says `empty`.
 * Arguments: the file, and the number of the first call.
 */
const [file, first] = process.argv.slice(2) as [string, string | undefined];
const CALLERS = 16;

const wire = bufferWire({
  spool: sqliteSpool(file),
  capacity: 100_000,
  maxBytes: 2 ** 30,
  drainPerSecond: 100_000,
  drainConcurrency: 16,
});
const breaker = createBreaker('crash', { neutralWires: [wire] });
const charge = breaker.protect(
  async (number: number, { divertedAt }) => {
    if (divertedAt === undefined) throw new Error('a live call came through');
    say(`r ${number}`);
  },
  { name: 'charge' },
);

breaker.trip({ reason: 'crash test' });
await wire.peek(1);
say('open');
if (first === undefined) await drain();
else await divertAndDrain(Number(first));

async function drain(): Promise<void> {
  breaker.reset({ reason: 'crash test' });
  while (wire.load().depth > 0) await pause(5);
  await breaker.close({ drainForMs: 1_000 });
  say('empty');
}

async function divertAndDrain(from: number): Promise<void> {
  let number = from;
  const divertSome = async () => {
    for (let call = 0; call < 4; call++) {
      const own = number++;
      const answer = await charge(own, { key: `${keyOf(own)}` });
      if (!isReceipt(answer)) throw new Error(`call ${own} has no receipt`);
      say(`+ ${own}`);
    }
  };
  for (;;) {
    breaker.reset({ reason: 'crash test' });
    await pause(20);
    breaker.trip({ reason: 'crash test' });
    await Promise.all(Array.from({ length: CALLERS }, divertSome));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Written before it returns, so that what was said before the kill is heard. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
