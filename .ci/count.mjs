// Prints "passed failed skipped" of one vitest run: node .ci/count.mjs <json report> <exit code>.
// Plain JavaScript without dependencies, because it runs before it is known that `npm ci` worked.
import { readFileSync } from 'node:fs';

const [path, exitCode] = process.argv.slice(2);
process.stdout.write(`${count(readReport(path), Number(exitCode)).join(' ')}\n`);

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function count(report, code) {
  if (report === undefined) return [0, 1, 0];
  const passed = report.numPassedTests ?? 0;
  const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0);
  // A file that does not load, or whose hooks throw, fails without a failed test.
  const brokenFiles = (report.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = (report.numFailedTests ?? 0) + brokenFiles;
  // A run without a single test proves nothing, and an exit code stands above the report: unhandled errors show only there.
  return [passed, failed === 0 && (code !== 0 || passed === 0) ? 1 : failed, skipped];
}
