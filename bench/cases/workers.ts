import { Worker } from 'node:worker_threads';
import { type BreakerHandle, createBreaker } from '@switchgear/breaker';
import { expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../median.ts';

const WORKERS = 4;
const ROUNDS = 3;

/** Worker threads that call through one breaker as fast as they can, and through one each. */
export async function workers(): Promise<Measurement[]> {
  const shared: number[] = [];
  const apart: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    shared.push(await hammerOne(`bench workers ${round}`));
    apart.push(callsPerSecond(await hammer(undefined)));
  }
  const peers = { 'a breaker each': median(apart) };
  const what = `${WORKERS} worker threads on one shared breaker`;
  return [{ name: 'workers', what, unit: 'calls/s', figure: median(shared), peers }];
}

async function hammerOne(name: string): Promise<number> {
  const breaker = createBreaker(name);
  const runs = await hammer(breaker.share());
  const calls = runs.reduce((sum, run) => sum + run.calls, 0);
  expectCount('the shared breaker', breaker.stats().calls.success, calls);
  await breaker.close();
  return callsPerSecond(runs);
}

/** What a worker reports: its calls, all told and in the seconds that were timed. */
export interface Hammering {
  readonly calls: number;
  readonly timedCalls: number;
  readonly timedSeconds: number;
}

/** What a worker is given. */
export interface HammerOrder {
  readonly handle: BreakerHandle | undefined;
  /** One cell: the workers that are warm. They begin together. */
  readonly ready: Int32Array;
  readonly workers: number;
}

function hammer(handle: BreakerHandle | undefined): Promise<Hammering[]> {
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const order: HammerOrder = { handle, ready, workers: WORKERS };
  return Promise.all(Array.from({ length: WORKERS }, () => startWorker(order)));
}

function startWorker(workerData: HammerOrder): Promise<Hammering> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../hammer.ts', import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a worker ended without a report')));
  });
}

function callsPerSecond(runs: readonly Hammering[]): number {
  return runs.reduce((sum, { timedCalls, timedSeconds }) => sum + timedCalls / timedSeconds, 0);
}
