/** A service whose calls all fail, for tests of telemetry that has more to send than it can. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBreaker } from '@switchgear/breaker';

const breaker = createBreaker('upstream', { trip: { failures: 1_000_000, failureRatio: null } });
let failed = 0;
for (let call = 0; call < 2_000; call++) {
  const error = new Error(`refused ${call}`);
  const caught = await breaker.execute(() => Promise.reject(error)).catch((reason: unknown) => reason);
  if (caught === error) failed += 1;
  // So that exports go on beside the calls.
  if (call % 100 === 0) await sleep(20);
}
process.stdout.write(`${failed} failed as they should\n`);
setInterval(() => {}, 1_000);
