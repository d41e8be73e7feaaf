import { deepEqual, fail, ok } from 'node:assert/strict';
import { appendFileSync } from 'node:fs';

/** What the examples of the pages check the results by that they show. */
export interface ExampleChecks {
  shows$(line: number, actual: unknown, expected: unknown): void;
  throws$(line: number, run: () => Promise<unknown>, name: string): Promise<void>;
}

/**
 * Checks that note in the file `EXAMPLE_REPORT` which example ran and which of its lines were reached, in whatever thread.
 * @param example the page and the line of the block
 */
export function checksOf(example: string): ExampleChecks {
  report(example, 0);
  return {
    shows$(line, actual, expected) {
      report(example, line);
      deepEqual(actual, expected, `line ${line} shows ${inspect(expected)}, and it is ${inspect(actual)}`);
    },
    async throws$(line, run, name) {
      report(example, line);
      try {
        await run();
      } catch (error) {
        const names = [(error as Error).name, (error as Error).constructor.name];
        ok(names.includes(name), `line ${line} shows ${name}, and it threw ${String(error)}`);
        return;
      }
      fail(`line ${line} shows ${name}, and nothing was thrown`);
    },
  };
}

/** One line of a report. */
export interface ReportedLine {
  readonly example: string;
  /** 0 where the example began. */
  readonly line: number;
}

function report(example: string, line: number): void {
  const file = process.env.EXAMPLE_REPORT;
  if (file) appendFileSync(file, `${JSON.stringify({ example, line } satisfies ReportedLine)}\n`);
}

function inspect(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
