import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SETTINGS } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { CallTimeoutError, presets } from '../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, failTimes, hangs, makeBreaker, succeedTimes, takes } from './support.ts';

closeBreakersAfterEach();

type Preset = (typeof presets)[keyof typeof presets];
const each = Object.entries(presets) as [string, Preset][];

/** The rows of the table in docs/breaker.md: a setting, and its value in each preset. */
const documented = readFileSync(join(import.meta.dirname, '../../docs/breaker.md'), 'utf8')
  .split('\n## ')
  .find((section) => section.startsWith('Presets'))!
  .split('\n')
  .filter((line) => line.startsWith('| `') && !line.startsWith('| setting'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
      .slice(1, -1),
  );

/** A breaker with a preset, that a sudden outage has just opened. */
async function opened(preset: Preset) {
  const made = makeBreaker(preset);
  await failTimes(made.breaker, preset.trip.minimumCalls);
  expect(made.breaker.state).toBe('open');
  return made;
}

describe.each(each)('the %s preset', (name, preset) => {
  test('has the numbers that its documentation gives', () => {
    expect(documented.length).toBeGreaterThan(10);
    const column = Object.keys(presets).indexOf(name);
    for (const [setting, ...cells] of documented) {
      const value = setting!.split('.').reduce<unknown>((of, key) => (of as Record<string, unknown>)?.[key], preset);
      const cell = cells[column]!;
      expect([setting, value]).toEqual([setting, cell === '' ? undefined : JSON.parse(cell.replaceAll('_', ''))]);
    }
  });

  test('leaves what it does not name as it is by default, and can be laid over', () => {
    const { breaker } = makeBreaker({ ...preset, cooldownMs: 1_000 });
    expect(breaker.settings).toEqual({
      ...DEFAULT_SETTINGS,
      ...preset,
      trip: { ...DEFAULT_SETTINGS.trip, ...preset.trip },
      halfOpen: { ...DEFAULT_SETTINGS.halfOpen, ...preset.halfOpen },
      cooldownMs: 1_000,
    });
  });

  test('trips at its share of failures, not under it', async () => {
    const { failureRatio, minimumCalls } = preset.trip;
    const failures = Math.ceil(minimumCalls * failureRatio);
    const { breaker } = makeBreaker({ ...preset, trip: { ...preset.trip, consecutive: null } });
    await succeedTimes(breaker, minimumCalls - failures);
    await failTimes(breaker, failures - 1);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('forgets a few failures by the time its window has passed', async () => {
    const { breaker, clock } = makeBreaker(preset);
    for (let minute = 0; minute < 10; minute++) {
      await failTimes(breaker, 1);
      await succeedTimes(breaker, 1);
      await clock.advance(60_000);
    }
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window.failed).toBe(0);
  });

  test('trips while its calls hang, before they time out', async () => {
    const { breaker, clock } = makeBreaker(preset);
    const calls = Array.from({ length: preset.trip.minimumCalls }, () => ending(breaker.execute(hangs)));
    expect(preset.trip.slowMs).toBeLessThan(preset.timeoutMs);
    await clock.advance(preset.trip.slowMs - 1);
    expect(breaker.state).toBe('closed');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    await clock.advance(preset.timeoutMs);
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(CallTimeoutError);
  });

  test('waits between half of its cooldown and all of it, longer after each failed probe, up to its most', async () => {
    const { breaker, clock, observer } = await opened(preset);
    const { baseMs, maxMs, factor, jitter } = preset.cooldownMs;
    for (let trip = 0; trip < 10; trip++) {
      const opening = observer.of<{ to: string; cooldownMs: number }>('transitioned').at(-1);
      const longest = Math.min(maxMs, baseMs * factor ** trip);
      expect(opening?.to).toBe('open');
      expect(opening?.cooldownMs).toBeLessThanOrEqual(longest);
      expect(opening?.cooldownMs).toBeGreaterThanOrEqual(longest * (1 - jitter));
      await clock.advance(longest);
      await failTimes(breaker, 1);
    }
  });

  test('recovers by its probes and its ramp, each step with its share', async () => {
    const { breaker, clock } = await opened(preset);
    const { probes, ramp, rampStepMs } = preset.halfOpen;
    await clock.advance(preset.cooldownMs.baseMs);
    await succeedTimes(breaker, probes);
    for (const share of ramp) {
      expect(breaker.state).toBe('half_open');
      let ran = 0;
      for (let call = 0; call < 100; call++) await ending(breaker.execute(() => ran++));
      expect(ran).toBe(100 * share);
      await clock.advance(rampStepMs);
    }
    expect(breaker.state).toBe('closed');
  });

  test('opens again on a probe that is slow', async () => {
    const { breaker, clock } = await opened(preset);
    await clock.advance(preset.cooldownMs.baseMs);
    const { slowMs } = preset.trip;
    const probe = ending(breaker.execute(takes(clock, slowMs + 1)));
    await clock.advance(Math.min(slowMs + 1, preset.halfOpen.probeTimeoutMs));
    await probe;
    expect(breaker.state).toBe('open');
  });
});

test('database and queue notice an outage by the failures in a row, before their share of calls is there', async () => {
  for (const preset of [presets.database, presets.queue]) {
    const { breaker, observer } = makeBreaker(preset);
    await failTimes(breaker, preset.trip.consecutive);
    expect(preset.trip.consecutive).toBeLessThan(preset.trip.minimumCalls);
    expect(observer.of('transitioned')).toMatchObject([{ to: 'open', reason: 'consecutive' }]);
  }
});
