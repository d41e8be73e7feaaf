#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { createControlPlane, ListenError } from './app.ts';
import type { MadeToken } from './auth/tokens.ts';
import { createLog } from './log.ts';
import { OptionError, readOptions, VARIABLES } from './options.ts';
import { StoreError } from './store/store.ts';
import { VERSION } from './version.ts';

/** Exit codes: 0 stopped as asked, 1 could not run, 2 wrong arguments or environment. */
async function main(): Promise<void> {
  const arguments_ = readArguments();
  if (!arguments_) return;
  if (arguments_.help) return print(help());
  if (arguments_.version) return print(VERSION);
  try {
    await serve();
  } catch (error) {
    if (error instanceof OptionError) return fail(2, error.message);
    if (error instanceof ListenError || error instanceof StoreError) return fail(1, error.message);
    throw error;
  }
}

/**
 * Signals this close together, in milliseconds, are one wish: Ctrl-C reaches the whole process group, and a parent that
 * got it too passes it on.
 */
const SAME_WISH_MS = 500;

async function serve(): Promise<void> {
  const options = readOptions(process.env);
  const log = createLog(options.logLevel);
  const controlPlane = createControlPlane({ ...options, log });
  const { url, madeTokens } = await controlPlane.start();
  print(`switchgear control plane listening on ${url}`);
  for (const made of madeTokens) print(describeToken(made));

  let stoppingSince: number | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_WISH_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    log.info({ signal }, 'stopping');
    controlPlane.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function readArguments(): { help?: boolean; version?: boolean } | undefined {
  try {
    return parseArgs({
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    }).values;
  } catch (error) {
    fail(2, `${(error as Error).message}; see --help`);
    return undefined;
  }
}

function describeToken({ role, token, file }: MadeToken): string {
  const kept = file === null ? 'not kept: a store in memory has no data folder' : `kept in ${file}`;
  return `switchgear ${role} token (${kept}): ${token}`;
}

function help(): string {
  const width = Math.max(...VARIABLES.map(([name]) => name.length));
  const lines = VARIABLES.map(([name, fallback, text]) => `  ${name.padEnd(width)}  ${text} (default: ${fallback})`);
  return [
    'The control plane of Switchgear: knows the state of every breaker in the fleet and steers each one.',
    '',
    'Usage: switchgear-control-plane [--help] [--version]',
    '',
    'Environment:',
    ...lines,
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(code: number, message: string): void {
  process.stderr.write(`switchgear control plane: ${message}\n`);
  process.exitCode = code;
}

await main();
