import { sqliteSpool } from '../../src/breaker/neutral/spool/sqlite-spool.ts';

/**
 * Appends to a spool for as long as a process may make its files longer, and on where that is allowed again: says `full` and
 * `room`. Argument: the file.
 */
const spool = sqliteSpool(process.argv[2]!);
await spool.open({ breaker: 'full', wire: 'buffer' });
let number = 0;
while (await append()) number++;
say(`full ${number} ${spool.load().depth}`);
const first = (await spool.take(1, 1))[0]!;
const hasEnded = await spool.end(first.id, { kind: 'replayed' }).catch((error) => error.code);
while (!(await append())) await new Promise((resolve) => setTimeout(resolve, 10));
say(`room ${spool.load().depth} ${hasEnded}`);
await spool.close();

async function append(): Promise<boolean> {
  const call = { id: `${number}`, operation: 'charge', input: 'x'.repeat(5_000), key: undefined, idempotencyKey: '' };
  try {
    await spool.append({ ...call, divertedAt: 1, expiresAt: 1e15, sizeBytes: 1, attempts: 0 });
    return true;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== 'SPOOL_FAILED') throw error;
    return false;
  }
}

function say(line: string): void {
  console.log(line);
}
