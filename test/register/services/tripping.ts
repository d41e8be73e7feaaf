/** A service whose breaker trips at its first call, for tests of what its telemetry says of the service. */
import { createBreaker } from '@switchgear/breaker';

const breaker = createBreaker('upstream', { trip: { failures: 1 } });
await breaker.execute(() => Promise.reject(new Error('refused'))).catch(() => {});
process.stdout.write('tripped\n');
setInterval(() => {}, 1_000);
