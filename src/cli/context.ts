import { DEFAULT_CONTROL_PLANE_URL } from '@switchgear/conventions';
import type { Command } from 'commander';
import { type Client, claimedActor, createClient } from './client.ts';
import type { Look } from './render.ts';
import { oneLine } from './table.ts';

/** The world the command runs in, so that tests can give it another. */
export interface World {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether `out` is a terminal; only then is there colour. */
  readonly isTerminal: boolean;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Ends `watch`. */
  readonly stop: AbortSignal;
}

/** Options that stand on every command. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON instead of a table')
    .option('--url <url>', `the control plane (SWITCHGEAR_URL, default ${DEFAULT_CONTROL_PLANE_URL})`)
    .option('--token <token>', 'the bearer token (SWITCHGEAR_TOKEN)');
}

export interface CommonOptions {
  readonly json?: true;
  readonly url?: string;
  readonly token?: string;
}

export function clientOf(options: CommonOptions, world: World): Client {
  return createClient({
    url: options.url ?? (world.env.SWITCHGEAR_URL || DEFAULT_CONTROL_PLANE_URL),
    token: options.token ?? (world.env.SWITCHGEAR_TOKEN || undefined),
    actor: claimedActor(world.env.USER),
  });
}

export function lookOf(world: World): Look {
  return { colour: world.isTerminal && !world.env.NO_COLOR, now: world.now() };
}

/** Prints an answer: whole as JSON, or as `text` for people. */
export function print(world: World, options: CommonOptions, answer: unknown, text: () => string): void {
  world.out(options.json ? `${JSON.stringify(answer, null, 2)}\n` : text());
}

export function breakerPath(service: string, breaker: string, rest = ''): string {
  return `/api/v1/breakers/${encodeURIComponent(service)}/${encodeURIComponent(breaker)}${rest}`;
}

export function named(service: string, breaker: string): string {
  return oneLine(`${service}/${breaker}`);
}
