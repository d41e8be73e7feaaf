import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { redisSpool } from '../../../src/adapters/redis/index.ts';
import { OWNER } from './spooled-call.ts';

// A replica of a service that does nothing but replay: node drain-main.ts <url> <stream> <log file> <claimAfterMs> [<hangs after>].
// After so many replays those that it begins do not end, and it says so.
// The log is what the dependency saw, over all replicas: `start` and `done` of each replay, in the order in which they happened.
const [url = '', stream = '', log = '', claimAfterMs, hangsAfter = 'never'] = process.argv.slice(2);
const client = createClient({ url, socket: { reconnectStrategy: 50 } });
client.on('error', () => {});
await client.connect();
const spool = redisSpool({ client, stream, claimAfterMs: Number(claimAfterMs) });
await spool.open(OWNER);
console.log('ready');

let replays = 0;
for (;;) {
  try {
    const calls = await spool.take(8, Date.now());
    if (calls.length === 0) await wait(10);
    await Promise.all(calls.map(({ id }) => replay(id)));
  } catch {
    // Redis is away: on to the next try.
    await wait(20);
  }
}

async function replay(id: string): Promise<void> {
  appendFileSync(log, `start ${id} ${process.pid}\n`);
  replays += 1;
  if (replays > Number(hangsAfter)) {
    console.log('hangs');
    await new Promise(() => {});
  }
  await wait(Math.random() * 10);
  appendFileSync(log, `done ${id} ${process.pid}\n`);
  // As a buffer wire does: a call it has taken is its own until the spool knows how it ended.
  while (
    !(await spool.end(id, { kind: 'replayed' }).then(
      () => true,
      () => wait(50),
    ))
  );
}
