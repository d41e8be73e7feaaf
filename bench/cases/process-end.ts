import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Measurement } from '../measurement.ts';
import { median } from '../median.ts';

const ROUNDS = 3;
/** A process that is still there by then is ended, and the figure says so. */
const PATIENCE_MS = 15_000;

/** How long a process lives on once its breakers have nothing left to do: a timer or a handle of theirs would hold it. */
export async function processEnd(): Promise<Measurement[]> {
  const withBreakers: number[] = [];
  const without: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    withBreakers.push(await msToEnd(10_000));
    without.push(await msToEnd(0));
  }
  const what = 'process ends by itself, after one call through each of 10,000 breakers';
  return [
    { name: 'process-end', what, unit: 'ms', figure: median(withBreakers), peers: { 'no breaker': median(without) } },
  ];
}

async function msToEnd(breakers: number): Promise<number> {
  const program = fileURLToPath(new URL('../last-calls.ts', import.meta.url));
  const child = spawn(process.execPath, [program, String(breakers)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await Promise.race([once(child.stdout, 'data'), exit]);
  const began = performance.now();
  const killer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const [code, signal] = await exit;
  clearTimeout(killer);
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the process with ${breakers} breakers ended with ${code}`);
  return performance.now() - began;
}
