import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type BufferWire, bufferWire, createBreaker, isReceipt, memorySpool, sqliteSpool } from '@switchgear/breaker';
import { median } from './median.ts';

const HELP = `Usage: npm run soak -- [--minutes N] [--calls N] [--spool memory|sqlite]

Trips a breaker again and again, diverts calls into its buffer and lets it drain them, and watches the memory.
  --minutes N  how long, at least; default 10
  --calls N    how many calls are diverted, at least; default 1000000
  --spool KIND where they are kept; default sqlite

Exit code 1 where a call was lost, or where the memory of the last third is above that of the third before it.`;

/** Calls diverted while it is open, each time. */
const BATCH = 5_000;
const CUSTOMERS = 100;
/** Growth of the median from one third to the next that is taken for noise of the garbage collector. */
const NOISE = 0.1;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    calls: { type: 'string', default: '1000000' },
    spool: { type: 'string', default: 'sqlite' },
    help: { type: 'boolean' },
  },
});
const minutes = Number(values.minutes);
const calls = Number(values.calls);
if (values.help) console.log(HELP);
else if (!(minutes >= 0) || !(calls > 0) || !['memory', 'sqlite'].includes(values.spool)) {
  console.error(`--minutes and --calls take a number, --spool memory or sqlite\n\n${HELP}`);
  process.exitCode = 1;
} else {
  const folder = await mkdtemp(join(tmpdir(), 'switchgear-soak-'));
  try {
    await soak(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function soak(folder: string): Promise<void> {
  const spool = values.spool === 'sqlite' ? sqliteSpool(join(folder, 'soak.db')) : memorySpool();
  const buffer = bufferWire({ spool, capacity: 2 * BATCH, drainPerSecond: 100_000, drainConcurrency: 64 });
  const breaker = createBreaker('soak', { telemetry: 'off', neutralWires: [buffer] });
  let replayed = 0;
  const charge = breaker.protect(
    async (_: { readonly order: number }) => {
      replayed += 1;
    },
    { name: 'charge' },
  );
  const until = performance.now() + minutes * 60_000;
  const samples: number[] = [];
  let diverted = 0;
  while (diverted < calls || performance.now() < until) {
    breaker.trip();
    const answers = Array.from({ length: BATCH }, (_, index) =>
      charge({ order: diverted + index }, { key: `customer ${index % CUSTOMERS}` }),
    );
    diverted += (await Promise.all(answers)).filter(isReceipt).length;
    breaker.reset();
    await emptied(buffer);
    samples.push(usedBytes());
    if (samples.length % 10 === 0) {
      process.stderr.write(`${diverted} diverted, ${replayed} replayed, ${megabytes(samples.at(-1)!)}\n`);
    }
  }
  await breaker.close({ drainForMs: 10_000 });
  report(diverted, replayed, samples);
}

async function emptied(buffer: BufferWire): Promise<void> {
  while (buffer.load().depth > 0) await turn();
}

/** After a collection where the process can ask for one. */
function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function report(diverted: number, replayed: number, samples: readonly number[]): void {
  const third = Math.floor(samples.length / 3);
  const before = median(samples.slice(third, 2 * third));
  const after = median(samples.slice(2 * third));
  console.log(`${diverted} calls diverted into ${values.spool}, ${replayed} replayed`);
  console.log(`memory of the second third ${megabytes(before)}, of the last ${megabytes(after)}`);
  if (replayed < diverted) fail(`${diverted - replayed} calls were lost`);
  if (after > before * (1 + NOISE)) fail('the memory grew');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
