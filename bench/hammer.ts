import { parentPort, workerData } from 'node:worker_threads';
import { attachBreaker, createBreaker } from '@switchgear/breaker';
import type { Hammering, HammerOrder } from './cases/workers.ts';
import { ANSWER, answer } from './peers.ts';
import { Runner } from './side-by-side.ts';

const WARM_UP_MS = 300;
const TIMED_MS = 1_000;

/** The program of one worker thread of the case `workers`. */
const { handle, ready, workers } = workerData as HammerOrder;
const breaker = handle ? attachBreaker(handle) : createBreaker('bench worker');
const runner = new Runner({ name: 'worker', call: () => breaker.execute(answer), answer: ANSWER });
await runner.run(WARM_UP_MS);
waitForOthers();
const warmUpCalls = runner.calls;
const began = performance.now();
await runner.run(TIMED_MS);
const timedSeconds = (performance.now() - began) / 1_000;
const timedCalls = runner.calls - warmUpCalls;
parentPort!.postMessage({ calls: runner.calls, timedCalls, timedSeconds } satisfies Hammering);

function waitForOthers(): void {
  Atomics.add(ready, 0, 1);
  Atomics.notify(ready, 0);
  for (let count = Atomics.load(ready, 0); count < workers; count = Atomics.load(ready, 0))
    Atomics.wait(ready, 0, count);
}
