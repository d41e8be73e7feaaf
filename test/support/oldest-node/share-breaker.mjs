/** Two worker threads fail once each, which trips the breaker of all three; then the owner resets it. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { attachBreaker, createBreaker } from '@switchgear/breaker';

if (isMainThread) await own();
else work();

async function own() {
  const payments = createBreaker('payments', { trip: { failures: 2 } });
  const data = { workerData: { handle: payments.share() } };
  const workers = [new Worker(new URL(import.meta.url), data), new Worker(new URL(import.meta.url), data)];
  const charge = async (worker, cents) => {
    worker.postMessage(cents);
    const [answer] = await once(worker, 'message');
    console.log(answer, payments.state);
  };
  await charge(workers[0], 10);
  await charge(workers[0], 200);
  await charge(workers[1], 200);
  await charge(workers[0], 10);
  payments.reset({ reason: 'the bank is back' });
  await charge(workers[1], 20);
  const { success, failure, rejected } = payments.stats().calls;
  console.log(`${success} charged, ${failure} failed, ${rejected} rejected`);
  await Promise.all(workers.map((worker) => worker.terminate()));
}

function work() {
  const payments = attachBreaker(workerData.handle);
  parentPort.on('message', async (cents) => {
    const charged = payments.execute(async () => {
      if (cents > 100) throw new Error('the bank is down');
      return `charged ${cents}`;
    });
    parentPort.postMessage(await charged.catch((error) => error.code ?? error.message));
  });
}
