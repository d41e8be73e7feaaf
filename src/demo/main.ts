import { FlagError, HELP, readFlags } from './flags.ts';
import { Narrator } from './narrator.ts';
import { runDemo } from './run.ts';

const stop = new AbortController();
process.exitCode = await main(process.argv.slice(2));
// Keep-alive connections to services that have ended would hold the process for some seconds.
process.exit();

async function main(args: readonly string[]): Promise<number> {
  try {
    const flags = readFlags(args);
    if (flags === 'help') {
      process.stdout.write(HELP);
      return 0;
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    return await runDemo(flags, new Narrator(), stop.signal);
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n`);
    return error instanceof FlagError ? 2 : 1;
  }
}

/** The first signal ends the run with its summary; the second ends it at once, and the services with it. */
function end(): void {
  if (stop.signal.aborted) process.exit(130);
  stop.abort();
}
