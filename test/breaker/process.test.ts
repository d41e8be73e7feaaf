import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = `
  import { bufferWire, connectControlPlane, createBreaker } from '${join(import.meta.dirname, '../../src/breaker/index.ts')}';
  connectControlPlane({ url: 'http://127.0.0.1:9', service: { name: 's', instanceId: 'i' }, onProblem: () => {} });
  const breaker = createBreaker('alone', { trip: { failureRatio: null, failures: 1 }, neutralWires: [bufferWire()] });
  const call = breaker.protect(async () => { throw new Error('unwell'); });
  breaker.holdIn({ mode: 'shadow', reason: 'r', actor: 'a', expiresAt: new Date(Date.now() + 60_000).toISOString() });
  breaker.release();
  await call(1);
  await call(2);
  console.log(breaker.state, breaker.stats().wires[0].depth);
`;

test('a breaker with held calls and a link to a control plane that is not there lets its process end', async () => {
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 });
  expect((await run).stdout.trim()).toBe('open 2');
});
