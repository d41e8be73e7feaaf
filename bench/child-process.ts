import { fork } from 'node:child_process';

/**
 * Runs a program of the bench in a process of its own, with a collector that can be called, and returns what it reports.
 * @throws where it ends without a report; its own words are on stderr
 */
export function runChild<Report>(program: URL, args: readonly string[]): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(program, args, { execArgv: ['--expose-gc'] });
    let reported: { readonly value: Report } | undefined;
    child.on('message', (value) => {
      reported = { value: value as Report };
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (reported) resolve(reported.value);
      else reject(new Error(`${args.join(' ')} ended with ${signal ?? code} and without a report`));
    });
  });
}

/** In the child: hands the report over and ends, whatever timers the peers still have. */
export function report(value: unknown): void {
  process.send!(value, () => process.exit());
}
