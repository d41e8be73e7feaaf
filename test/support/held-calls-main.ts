/**
 * A service that holds calls, as a process of its own: node --import @switchgear/register <this file> <calls>.
 * The breaker `mail` holds them in memory, on wire `outbox`, and `payments` in the SQLite file SPOOL, on wire `ledger`. It makes so many
 * calls of each, of which the dependency takes none, and says `held`; then it waits to be told to end. It says its counters each
 * time they change, as JSON, and for the last time, with `ends`, when @switchgear/register is done with it.
 */
import { writeSync } from 'node:fs';
import { bufferWire, createBreaker, isReceipt, sqliteSpool } from '@switchgear/breaker';

const calls = Number(process.argv[2]);
const { DEPENDENCY_URL = '', SPOOL = '' } = process.env;
const quick = { trip: { consecutive: 1 }, cooldownMs: 100, halfOpen: { probes: 1 } };
const mail = createBreaker('mail', { ...quick, neutralWires: [bufferWire({ name: 'outbox' })] });
const payments = createBreaker('payments', {
  ...quick,
  neutralWires: [bufferWire({ name: 'ledger', spool: sqliteSpool(SPOOL) })],
});
const send = mail.protect((id: number) => ask('mail', id), { name: 'send' });
const charge = payments.protect((id: number) => ask('payments', id), { name: 'charge' });

for (let id = 1; id <= calls; id++) {
  for (const answer of await Promise.all([send(id), charge(id)])) {
    if (!isReceipt(answer)) throw new Error(`call ${id} has no receipt`);
  }
}
say('held');

let told = '';
setInterval(tell, 20);
// It lets go of the signal as its last act, and the signal ends the process then.
process.on('removeListener', (event) => {
  if (event !== 'SIGTERM') return;
  tell();
  say('ends');
});

function tell(): void {
  const [outbox, ledger] = [mail, payments].map((breaker) => breaker.stats().wires[0]);
  const now = JSON.stringify({ outbox, ledger });
  if (now !== told) say(`counters ${now}`);
  told = now;
}

async function ask(path: string, id: number): Promise<void> {
  const response = await fetch(`${DEPENDENCY_URL}/${path}?id=${id}`);
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
