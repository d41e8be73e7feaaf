/**
 * A service with two breakers on real calls, as a process of its own: node --import @switchgear/register <this file>.
 * `payments` has a buffer wire, `inventory` a fallback. It calls both every CALL_EVERY_MS, and tells on GET / how its
 * callers fared.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bufferWire, createBreaker, fallbackWire, isReceipt } from '@switchgear/breaker';

const dependency = process.env.DEPENDENCY_URL!;
const everyMs = Number(process.env.CALL_EVERY_MS ?? 20);
const quick = {
  trip: { failureRatio: 0.5, minimumCalls: 10, windowMs: 5_000 },
  cooldownMs: 1_000,
  halfOpen: { probes: 2, probeTimeoutMs: 1_000 },
  timeoutMs: 1_000,
};
const payments = createBreaker('payments', {
  ...quick,
  neutralWires: [bufferWire({ capacity: 20_000, drainPerSecond: 500 })],
});
const inventory = createBreaker('inventory', { ...quick, neutralWires: [fallbackWire(() => 'stock unknown')] });

/** How many calls of each breaker came back, and how. */
const fared = { answered: 0, receipts: 0, fallbacks: 0, errors: 0 };
let nextId = 0;

const charge = payments.protect(async (id: number, { signal }) => ask('/payments', id, signal));

const load = setInterval(() => {
  nextId += 1;
  const id = nextId;
  charge(id).then((result) => count(isReceipt(result) ? 'receipts' : 'answered'), countError);
  inventory
    .execute(({ signal }) => ask('/inventory', id, signal))
    .then((result) => count(result === 'stock unknown' ? 'fallbacks' : 'answered'), countError);
}, everyMs);

const server = createServer((_, response) => {
  const body = { ...fared, asked: nextId, payments: payments.state, inventory: inventory.state };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => {
  console.log(`guarded service on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

process.once('SIGTERM', () => {
  clearInterval(load);
  server.close();
  server.closeAllConnections();
  void Promise.all([payments.close(), inventory.close()]);
});

async function ask(path: string, id: number, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${dependency}${path}?id=${id}`, { signal });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return 'done';
}

function count(way: keyof typeof fared): void {
  fared[way] += 1;
}

function countError(): void {
  fared.errors += 1;
}
