import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = `
  import { bufferWire, createBreaker } from '${join(import.meta.dirname, '../../src/breaker/index.ts')}';
  const breaker = createBreaker('ends', { telemetry: 'off', neutralWires: [bufferWire({ drainPerSecond: 20 })] });
  const call = breaker.protect(async (input) => console.log('replayed', input));
  breaker.trip();
  for (const input of [1, 2, 3]) await call(input);
  breaker.reset();
  await breaker.close({ drainForMs: 5_000 });
  console.log('closed');
`;

/** All timers of a drain let the process end, and it did, between two replays that close() was asked to wait for. */
test('close() with a time to drain keeps the process alive until it is done', async () => {
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  expect((await run).stdout.trim().split('\n')).toEqual(['replayed 1', 'replayed 2', 'replayed 3', 'closed']);
});
