import { describe, expect, test } from 'vitest';
import { QuietDiagnostics } from '../../src/register/quiet-diagnostics.ts';

describe('diagnostics', () => {
  test('a problem that repeats is told once', () => {
    const { lines, diagnostics } = listen();
    for (let times = 0; times < 5; times++) diagnostics.error('connect ECONNREFUSED 127.0.0.1:4318');
    expect(lines).toEqual(['switchgear: connect ECONNREFUSED 127.0.0.1:4318\n']);
  });

  test('an error that the SDK wrote as JSON becomes its message, without the stack', () => {
    const { lines, diagnostics } = listen();
    diagnostics.error(JSON.stringify({ stack: 'Error: x\n    at y', message: 'Unauthorized', code: '401' }));
    diagnostics.error(JSON.stringify({ stack: 'AggregateError\n    at y', code: 'ECONNREFUSED' }));
    expect(lines).toEqual(['switchgear: Unauthorized 401\n', 'switchgear: ECONNREFUSED\n']);
  });

  test('errors beside a message are one line with it', () => {
    const { lines, diagnostics } = listen();
    diagnostics.warn('collection failed:', new Error('no such counter'));
    expect(lines).toEqual(['switchgear: collection failed: no such counter\n']);
  });

  test('it remembers a bounded number of problems', () => {
    const { lines, diagnostics } = listen();
    for (let number = 0; number < 1_000; number++) diagnostics.warn(`problem ${number}`);
    diagnostics.warn('problem 999');
    diagnostics.warn('problem 0');
    expect(lines).toHaveLength(1_001);
    expect(lines.at(-1)).toBe('switchgear: problem 0\n');
  });

  test('news that nobody must act on stay away', () => {
    const { lines, diagnostics } = listen();
    diagnostics.info();
    diagnostics.debug();
    diagnostics.verbose();
    expect(lines).toEqual([]);
  });
});

function listen() {
  const lines: string[] = [];
  return { lines, diagnostics: new QuietDiagnostics((line) => lines.push(line)) };
}
