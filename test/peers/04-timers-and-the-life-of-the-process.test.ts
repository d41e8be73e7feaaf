import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const BREAKER = join(import.meta.dirname, '../../src/breaker/index.ts');

/** Runs a module in a process of its own, which has to end by itself, and reads what it printed. */
async function run(script: string): Promise<unknown> {
  const source = `import { createBreaker } from '${BREAKER}';\n${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
    timeout: 15_000,
  });
  return JSON.parse(stdout);
}

/**
 * opossum#181, #378 and #809: a rolling window that a timer turns, for each breaker; a timer for each cooldown and each call;
 * a process that does not end because of them; and statistics that cost more the more there is to count.
 */
describe('timers and the life of the process', () => {
  test('a thousand breakers with calls in flight and open ones share two timers, which keep no process alive', async () => {
    const found = await run(`
      const set = globalThis.setTimeout;
      const living = new Set();
      globalThis.setTimeout = (run, ms, ...rest) => {
        const handle = set((...given) => { living.delete(handle); run(...given); }, ms, ...rest);
        living.add(handle);
        return handle;
      };
      const clear = globalThis.clearTimeout;
      globalThis.clearTimeout = (handle) => { living.delete(handle); clear(handle); };
      let intervals = 0;
      globalThis.setInterval = () => { intervals += 1; };
      const options = { telemetry: 'off', timeoutMs: 3_600_000, cooldownMs: 86_400_000, trip: { failures: 1 } };
      let open = 0;
      for (let index = 0; index < 1_000; index++) {
        const breaker = createBreaker('breaker-' + index, options);
        for (let call = 0; call < 10; call++) {
          breaker.execute(() => new Promise(() => {})).catch(() => {});
          await breaker.execute(() => 'good');
        }
        await breaker.execute(() => Promise.reject(new Error('unwell'))).catch(() => {});
        await breaker.execute(() => 'rejected').catch(() => {});
        if (breaker.state === 'open') open += 1;
      }
      const alive = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      console.log(JSON.stringify({ open, living: living.size, intervals, alive }));
    `);
    // One of the timeout, one of the slow threshold; none of a window or a cooldown.
    expect(found).toEqual({ open: 1_000, living: 2, intervals: 0, alive: 0 });
  });

  test('a call costs no more after a hundred thousand failures than after the first ones', async () => {
    const found = (await run(`
      const breaker = createBreaker('failing', { telemetry: 'off', trip: { failureRatio: 1, minimumCalls: 1_000_000 } });
      const fail = () => Promise.reject(0);
      const ignore = () => {};
      const batch = async (call) => {
        const began = process.hrtime.bigint();
        for (let index = 0; index < 2_000; index++) await call();
        return Number(process.hrtime.bigint() - began) / 1e6;
      };
      const least = (times) => Math.min(...times);
      const measure = async (call) => {
        const times = [];
        for (let round = 0; round < 50; round++) times.push(await batch(call));
        // The first ten are slower by themselves: the code is not compiled yet.
        return { early: least(times.slice(10, 20)), late: least(times.slice(-10)) };
      };
      const failing = await measure(() => breaker.execute(fail).catch(ignore));
      breaker.trip();
      const refused = await measure(() => breaker.execute(fail).catch(ignore));
      console.log(JSON.stringify({ failing, refused, calls: breaker.stats().calls }));
    `)) as Record<'failing' | 'refused', { early: number; late: number }> & { calls: Record<string, number> };
    expect(found.calls).toMatchObject({ failure: 100_000, rejected: 100_000 });
    expect(found.failing.late).toBeLessThan(2 * found.failing.early + 5);
    expect(found.refused.late).toBeLessThan(2 * found.refused.early + 5);
  });

  test('a breaker in the midst of an outage lets its process end', async () => {
    const found = await run(`
      const breaker = createBreaker('outage', { telemetry: 'off', timeoutMs: 3_600_000, trip: { failures: 1 }, cooldownMs: 10 });
      await breaker.execute(() => Promise.reject(new Error('unwell'))).catch(() => {});
      breaker.execute(() => 1).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
      // A probe that hangs, with a deadline far off.
      breaker.execute(() => new Promise(() => {})).catch(() => {});
      console.log(JSON.stringify(breaker.state));
    `);
    expect(found).toBe('half_open');
  });
});
