import { diag } from '@opentelemetry/api';
import {
  allReportedBreakers,
  bufferWire,
  createBreaker,
  findBreaker,
  keyedBreakers,
  reportBreaker,
} from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { afterEach, expect, test } from 'vitest';
import { closeBreakers } from '../../src/register/close-breakers.ts';

const warnings: string[] = [];
const silent = () => {};
afterEach(() => diag.disable());

test('buffers drain for the time given, the last export has what came of them, and the rest is named by wire', async () => {
  diag.setLogger({ error: silent, warn: (line) => warnings.push(line), info: silent, debug: silent, verbose: silent });
  const clock = new ManualClock();
  const replayed: unknown[] = [];
  const making = { clock, telemetry: 'off', cooldownMs: 60_000 } as const;
  const well = createBreaker('closes-well', { ...making, neutralWires: [bufferWire()] });
  const open = createBreaker('closes-open', { ...making, neutralWires: [bufferWire({ name: 'held' })] });
  const group = keyedBreakers('closes-keyed', { ...making, neutralWires: () => [bufferWire()] });
  const act = async (input: number) => replayed.push(input);
  for (const breaker of [well, open, group.get('a')]) {
    breaker.trip();
    for (const input of [1, 2]) await breaker.protect(act)(input);
  }
  well.reset();
  let atFlush: unknown;
  const closing = closeBreakers(500, async () => {
    atFlush = [well, open, group].map((one) => one.stats().wires[0]).map((wire) => [wire?.replayed, wire?.dropped]);
    expect(findBreaker('closes-open')).toBe(open);
  });
  await clock.advance(1_000);
  await closing;
  expect(replayed).toEqual([1, 2]);
  expect(atFlush).toEqual([
    [2, 0],
    [0, 2],
    [0, 2],
  ]);
  expect(warnings.sort()).toEqual([
    'Breaker "closes-keyed" gave up held calls at its close: 2 of wire "buffer"',
    'Breaker "closes-open" gave up held calls at its close: 2 of wire "held"',
  ]);
  expect(findBreaker('closes-open')).toBeUndefined();
});

test('breakers of other libraries leave as well, after the last export', async () => {
  const foreign = reportBreaker('closes-foreign', { state: () => 'closed', attach: () => () => {} });
  let atFlush: unknown;
  await closeBreakers(0, async () => {
    atFlush = allReportedBreakers();
  });
  expect(atFlush).toEqual([foreign]);
  expect(allReportedBreakers()).toEqual([]);
});
