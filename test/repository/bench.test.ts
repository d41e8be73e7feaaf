import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectCount, expectRejection, hasCode } from '../../bench/contender.ts';
import { GOALS } from '../../bench/goals.ts';
import type { Measurement } from '../../bench/measurement.ts';
import { writeResults } from '../../bench/results-file.ts';
import { rowsOf } from '../../bench/rows.ts';
import { expectEveryMetric } from '../../bench/sdk.ts';
import { Runner } from '../../bench/side-by-side.ts';
import { verdict } from '../../bench/table.ts';

const results = join(import.meta.dirname, '../../bench/RESULTS.md');
const measured = (figure: number): Measurement => ({
  name: 'closed',
  what: 'closed path',
  unit: 'ns',
  figure,
  peers: { cockatiel: 400, opossum: 800 },
});

test('a goal is met at its very figure and missed above it', () => {
  const met = rowsOf(measured(300));
  expect(met.map(({ peer, ratio, goal, met }) => [peer, ratio, goal, met])).toEqual([
    ['cockatiel', 0.75, 0.75, true],
    ['opossum', 0.375, null, null],
  ]);
  expect(verdict([...met, ...rowsOf(measured(301))])).toBe('1 of 2 goals met');
});

test('a goal on the figure itself has a row without a peer', () => {
  const rows = rowsOf({ ...measured(1_501), name: 'rejected' });
  expect(rows.map(({ peer, goal, met }) => [peer, goal, met])).toEqual([
    [null, 1_500, false],
    ['cockatiel', null, null],
    ['opossum', null, null],
  ]);
});

test('a goal beside a peer that was not measured is an error', () => {
  expect(() => rowsOf({ ...measured(300), peers: {} })).toThrow('closed has a goal beside cockatiel');
});

test('a call that takes another path than its row is named for ends the measurement', async () => {
  const good = new Runner({ name: 'good', call: async () => 1, answer: 1 });
  expect(await good.run(1)).toBeGreaterThan(0);
  const call = async () => (good.calls > 0 ? 2 : 1);
  await expect(new Runner({ name: 'bad', call, answer: 1 }).run(1)).rejects.toThrow('did not take the path');
  await expect(expectRejection(Promise.resolve(1), () => true)).rejects.toThrow('did not take the path');
  const other = Promise.reject(new Error('not the breaker'));
  await expect(expectRejection(other, (error) => hasCode(error, 'BREAKER_OPEN'))).rejects.toThrow('the path');
});

test('a breaker that counted other calls than were made ends the measurement', async () => {
  const call = async () => 1;
  const runner = new Runner({ name: 'a', call, answer: 1, check: (calls) => expectCount('a', calls - 1, calls) });
  await runner.run(1);
  expect(() => runner.check()).toThrow(`a counted ${runner.calls - 1} of ${runner.calls} calls`);
});

test('an export without a metric ends the measurement', () => {
  expect(() => expectEveryMetric([])).toThrow('these came out:');
});

test('the table is put between its marks, and the rest of the file stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchgear-bench-'));
  try {
    const file = join(folder, 'results.md');
    await writeFile(file, await readFile(results, 'utf8'));
    const at = { date: '2026-01-02', node: 'v24.0.0', machine: '2 cores' };
    await writeResults(file, rowsOf(measured(300)), at);
    const once = await readFile(file, 'utf8');
    expect(once).toContain('2026-01-02, Node.js 24.0.0, 2 cores: 1 of 1 goals met.');
    expect(once).toContain('| closed path | 300 ns | cockatiel | 400 ns | 0.75 | ≤ 0.75 | met |');
    const [before, after] = (await readFile(results, 'utf8')).split(/<!-- bench.*<!-- \/bench -->/s);
    expect(once.startsWith(before!)).toBe(true);
    expect(once.endsWith(after!)).toBe(true);
    await writeResults(file, rowsOf(measured(300)), at);
    expect(await readFile(file, 'utf8')).toBe(once);
    await writeFile(file, 'no marks');
    await expect(writeResults(file, [], at)).rejects.toThrow('has no place for the table');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the committed results have a figure for every goal', async () => {
  const goals = Object.values(GOALS).flatMap(({ figure, ratio }) => [figure ?? [], Object.values(ratio ?? {})].flat());
  const judged = (await readFile(results, 'utf8')).split('\n').filter((line) => /\| (met|missed) \|$/.test(line));
  expect(judged).toHaveLength(goals.length);
});
