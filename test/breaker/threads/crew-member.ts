import { parentPort } from 'node:worker_threads';
import {
  type AttachedBreaker,
  attachBreaker,
  BreakerLimitError,
  BreakerOpenError,
  fallbackWire,
} from '../../../src/breaker/index.ts';
import { RecordingObserver } from '../../../src/breaker/testing.ts';
import {
  BAD,
  CALLS,
  type Contract,
  emptyTally,
  MODE,
  MOST_OUT,
  type Order,
  OUT,
  PROBES,
  type Sight,
  STOP,
  type Tally,
} from './orders.ts';

let steering: Int32Array;
let observer: RecordingObserver;
let heard: string[];
let breaker: AttachedBreaker;

const UNWELL = new Error('unwell');
const good = () => 'success';
const bad = () => {
  throw UNWELL;
};

parentPort?.on('message', async (order: Order) => parentPort?.postMessage(await carryOut(order)));
parentPort?.postMessage('ready');

async function carryOut(order: Order): Promise<unknown> {
  switch (order.task) {
    case 'attach':
      return attach(order.contract);
    case 'hammer':
      return hammer(order.calls, order.every, order.burst);
    case 'work':
      return work();
    case 'probe':
      return probe();
    case 'call':
      return call(order.calls, order.failing);
    case 'hear':
      return hear(order.count);
    case 'trip':
      return breaker.trip({ reason: 'by a thread' });
    case 'reset':
      return breaker.reset({ reason: 'by a thread' });
    case 'look':
      return look();
    case 'leave':
      // Its last listener: nothing of the breaker may keep the thread alive.
      return parentPort?.close();
  }
}

function attach(contract: Contract): void {
  steering = new Int32Array(contract.steering);
  observer = new RecordingObserver();
  heard = [];
  breaker = attachBreaker(contract.handle, {
    telemetry: observer,
    neutralWires: (contract.wires ?? []).map((name) => fallbackWire(() => 'diverted', { name })),
  });
  breaker.onTransition(({ to, reason }) => heard.push(`${to} by ${reason}`));
}

function hammer(calls: number, every: number, burst: number): Tally {
  const tally = emptyTally();
  for (let each = 0; each < calls; each++) one(each % every < burst ? bad : good, tally);
  return tally;
}

function work(): Tally {
  const tally = emptyTally();
  for (;;) {
    const mode = Atomics.load(steering, MODE);
    if (mode === STOP) return tally;
    one(mode === BAD ? bad : good, tally);
    Atomics.add(steering, CALLS, 1);
    Atomics.notify(steering, CALLS);
  }
}

function call(calls: number, failing: boolean): Tally {
  const tally = emptyTally();
  for (let each = 0; each < calls; each++) one(failing ? bad : good, tally);
  return tally;
}

function one(run: () => string, tally: Tally): void {
  try {
    const answer = breaker.executeSync(run);
    tally[answer === 'diverted' ? 'diverted' : 'success']++;
  } catch (error) {
    if (error === UNWELL) tally.failure++;
    else if (error instanceof BreakerOpenError) tally.rejected++;
    else if (error instanceof BreakerLimitError) tally.limited++;
    else throw error;
  }
}

async function probe(): Promise<Tally> {
  const tally = emptyTally();
  while (breaker.state !== 'closed') {
    const calls = [1, 2, 3].map(() =>
      breaker.execute(slowly).then(
        () => tally.success++,
        () => tally.rejected++,
      ),
    );
    await Promise.all(calls);
  }
  return tally;
}

/** A call that is out for a while, in which other threads ask for one too. */
async function slowly(): Promise<void> {
  if (breaker.state !== 'half_open') return;
  Atomics.add(steering, PROBES, 1);
  const out = Atomics.add(steering, OUT, 1) + 1;
  for (;;) {
    const most = Atomics.load(steering, MOST_OUT);
    if (most >= out || Atomics.compareExchange(steering, MOST_OUT, most, out) === most) break;
  }
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  Atomics.sub(steering, OUT, 1);
}

function hear(count: number): Promise<void> {
  return new Promise((resolve) => {
    const listen = () => {
      if (heard.length >= count) resolve();
    };
    breaker.onTransition(listen);
    listen();
  });
}

function look(): Sight {
  return {
    state: breaker.state,
    generation: breaker.generation,
    settings: breaker.settings,
    retryAfterMs: retryAfterMs(),
    published: observer.of('transitioned').length,
    heard,
  };
}

/** What a caller that is turned away is told. It counts as a call. */
function retryAfterMs(): number | null {
  if (breaker.state !== 'open') return null;
  try {
    breaker.executeSync(good);
    return null;
  } catch (error) {
    return error instanceof BreakerOpenError ? error.retryAfterMs : null;
  }
}
