import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const script = join(import.meta.dirname, '../../.ci/count.mjs');

test('a good run counts its tests', () => {
  expect(count({ numPassedTests: 7, numFailedTests: 0, numPendingTests: 2, testResults: [] }, 0)).toBe('7 0 2');
});

test('failed tests are counted', () => {
  const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }] }];
  expect(count({ numPassedTests: 5, numFailedTests: 3, testResults }, 1)).toBe('5 3 0');
});

test('a file that does not load counts as a failure beside the failed tests', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'failed' }] },
  ];
  expect(count({ numPassedTests: 5, numFailedTests: 1, testResults }, 1)).toBe('5 2 0');
});

test('a run that ends badly although its tests passed is a failure', () => {
  expect(count({ numPassedTests: 5, numFailedTests: 0, testResults: [] }, 1)).toBe('5 1 0');
});

test('a run without tests and a run without a report are failures', () => {
  expect(count({ numPassedTests: 0, numFailedTests: 0, testResults: [] }, 0)).toBe('0 1 0');
  expect(count('{"half', 0)).toBe('0 1 0');
  expect(count(undefined, 0)).toBe('0 1 0');
});

function count(report: object | string | undefined, exitCode: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-count-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'report.json');
  if (report !== undefined) writeFileSync(path, typeof report === 'string' ? report : JSON.stringify(report));
  return execFileSync(process.execPath, [script, path, String(exitCode)], { encoding: 'utf8' }).trim();
}
