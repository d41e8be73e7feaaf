/** A service with one breaker that waits, for tests of `--import @switchgear/register`. */
import { createBreaker } from '@switchgear/breaker';

const breaker = createBreaker('upstream', { telemetry: 'otel' });
await breaker.execute(async () => 'fine');
if (process.env.TEST_HANDLES_SIGTERM) {
  process.on('SIGTERM', () => {
    process.stdout.write('own handler\n');
    setTimeout(() => process.exit(7), 300);
  });
}
if (process.env.TEST_MANY_SERIES) {
  for (let number = 0; number < 400; number++) createBreaker(`many-${number}`);
}
process.stdout.write('ready\n');
if (!process.env.TEST_ENDS) setInterval(() => {}, 1_000);
