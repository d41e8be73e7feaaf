import { describe, expect, test } from 'vitest';
import { QuietDiagnostics } from '../../src/register/quiet-diagnostics.ts';

describe('diagnostics', () => {
  test('a problem that repeats is told once', () => {
    const { lines, diagnostics } = listen();
    for (let times = 0; times < 5; times++) diagnostics.error('connect ECONNREFUSED 127.0.0.1:4318');
    expect(lines).toHaveLength(1);
  });

  test('one cause is one line that names it and says what to do, however many exporters meet it', () => {
    const { lines, diagnostics } = listen();
    diagnostics.error(JSON.stringify({ message: 'connect ECONNREFUSED 127.0.0.1:4318', code: 'ECONNREFUSED' }));
    diagnostics.error(
      'PeriodicExportingMetricReader: metrics export failed (error Error: connect ECONNREFUSED 127.0.0.1:4318)',
    );
    diagnostics.error(JSON.stringify({ message: 'Unauthorized', code: '401' }));
    diagnostics.warn('At shutdown:', new Error('Unauthorized'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^switchgear: No telemetry reaches 127\.0\.0\.1:4318 \(ECONNREFUSED\): OTEL_EXPORTER/);
    expect(lines[1]).toMatch(/^switchgear: Telemetry is refused where it goes \(Unauthorized\): SWITCHGEAR_TOKEN/);
  });

  test('what the link to the control plane says is left as it is', () => {
    const { lines, diagnostics } = listen();
    diagnostics.warn('control plane at http://127.0.0.1:4390: connect ECONNREFUSED 127.0.0.1:4390');
    expect(lines).toEqual([
      'switchgear: control plane at http://127.0.0.1:4390: connect ECONNREFUSED 127.0.0.1:4390\n',
    ]);
  });

  test('an error that the SDK wrote as JSON becomes its message, without the stack', () => {
    const { lines, diagnostics } = listen();
    diagnostics.error(JSON.stringify({ stack: 'Error: x\n    at y', message: 'Bad data', code: '400' }));
    diagnostics.error(JSON.stringify({ stack: 'AggregateError\n    at y', code: 'ECONNREFUSED' }));
    expect(lines).toEqual(['switchgear: Bad data 400\n', 'switchgear: ECONNREFUSED\n']);
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
