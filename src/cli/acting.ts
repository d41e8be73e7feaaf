import { OVERRIDE_MODES, type OverrideMode } from '@switchgear/conventions';
import { Command, Option } from 'commander';
import { configFileCommands } from './config-file.ts';
import { readSettings } from './config-values.ts';
import { breakerPath, type CommonOptions, clientOf, named, print, type World, withCommonOptions } from './context.ts';
import { parseDuration, parseTime } from './duration.ts';
import { usage } from './failure.ts';
import { deliveryLine } from './render.ts';
import { settingsHelp } from './settings-help.ts';
import type { Accepted, ConfigAnswer } from './views.ts';
import { waitUntilApplied } from './wait.ts';

/** `trip`, `reset`, `lockout`, `release`, `config`: these need an operator's token. */
export function actingCommands(world: World): Command[] {
  return [once('trip', world), once('reset', world), lockout(world), release(world), config(world)];
}

interface ActingOptions extends CommonOptions {
  readonly reason?: string;
  readonly wait?: true;
  readonly timeout: string;
}

function acting(name: string, description: string, example: string): Command {
  return withCommonOptions(new Command(name))
    .description(description)
    .argument('<service>', 'the service, with its namespace where it has one: ns/name')
    .argument('<breaker>', 'the name of the breaker')
    .option('--wait', 'wait until all live instances applied it; exit 3 where they did not')
    .option('--timeout <duration>', 'how long --wait waits', '30s')
    .addHelpText('after', `\nExamples:\n  ${example}\n`);
}

function once(kind: 'trip' | 'reset', world: World): Command {
  const what =
    kind === 'trip' ? 'open a breaker once; it recovers by itself after its cooldown' : 'close a breaker once';
  return acting(kind, what, `switchgear ${kind} shop payments --reason "provider maintenance" --wait`)
    .requiredOption('--reason <text>', 'why, for the audit; 1 to 500 characters')
    .action(async (service: string, breaker: string, options: ActingOptions) => {
      const body = { reason: options.reason };
      await act({ world, options, service, breaker, method: 'POST', verb: kind, body, done: `${kind} asked for` });
    });
}

interface LockoutOptions extends ActingOptions {
  readonly for?: string;
  readonly until?: string;
  readonly mode: OverrideMode;
}

function lockout(world: World): Command {
  return acting(
    'lockout',
    'hold a breaker in a mode, open unless told otherwise, until a time or a release',
    'switchgear lockout shop payments --reason "INC-42" --for 30m\n  switchgear lockout shop payments --reason "drill" --until 2026-12-01T06:00:00Z --mode shadow',
  )
    .requiredOption('--reason <text>', 'why, for the audit; 1 to 500 characters')
    .option('--for <duration>', 'how long: a number with s, m, h or d')
    .option('--until <time>', 'until when: RFC 3339 with an offset')
    .addOption(new Option('--mode <mode>', 'what to hold it in').choices(OVERRIDE_MODES).default('forced_open'))
    .action(async (service: string, breaker: string, options: LockoutOptions) => {
      const { mode, reason } = options;
      const expiresAt = expiryOf(options, world.now());
      const body = { mode, reason, expiresAt };
      const done = `${mode} until ${expiresAt}`;
      await act({ world, options, service, breaker, method: 'PUT', verb: 'override', body, done });
    });
}

function release(world: World): Command {
  return acting(
    'release',
    'end a lockout; the breaker decides for itself again',
    'switchgear release shop payments --wait',
  )
    .option('--reason <text>', 'why, for the audit; 1 to 500 characters')
    .action(async (service: string, breaker: string, options: ActingOptions) => {
      const body = options.reason === undefined ? undefined : { reason: options.reason };
      await act({ world, options, service, breaker, method: 'DELETE', verb: 'override', body, done: 'released' });
    });
}

function config(world: World): Command {
  const get = withCommonOptions(new Command('get'))
    .description('show the settings laid over a breaker')
    .argument('<service>')
    .argument('<breaker>')
    .addHelpText('after', '\nExamples:\n  switchgear config get shop payments --json\n')
    .action(async (service: string, breaker: string, options: CommonOptions) => {
      const answer = await clientOf(options, world).call<ConfigAnswer>('GET', breakerPath(service, breaker, '/config'));
      const laid = answer.config ? JSON.stringify(answer.config, null, 2) : 'Nothing is laid over its own settings.';
      print(world, options, answer, () => `${laid}\n`);
    });
  const set = acting(
    'set',
    'lay settings over a breaker, in place of those laid over it before',
    [
      'switchgear config set shop payments trip.failureRatio=0.3 cooldownMs=60000 --wait',
      'switchgear config set shop payments trip.slowRatio=0.5 trip.slowMs=800 trip.countOverdue=true',
      'switchgear config set shop payments cooldownMs.baseMs=1000 cooldownMs.maxMs=60000',
      "switchgear config set shop payments 'halfOpen.ramp=[0.1,0.5]' halfOpen.rampStepMs=2000",
      'switchgear config set shop payments timeoutMs=null',
    ].join('\n  '),
  )
    .argument('<settings...>', 'path=value: a number, true, false, a list in JSON, or null where a setting allows it')
    .addHelpText('after', settingsHelp())
    .action(async (service: string, breaker: string, settings: string[], options: ActingOptions) => {
      const body = readSettings(settings);
      await act({
        world,
        options,
        service,
        breaker,
        method: 'PUT',
        verb: 'config',
        body,
        done: 'settings laid over it',
      });
    });
  const clear = acting(
    'clear',
    'take off all settings laid over a breaker; its own are in force again',
    'switchgear config clear shop payments --wait',
  ).action(async (service: string, breaker: string, options: ActingOptions) => {
    const done = 'nothing is laid over its own settings';
    await act({ world, options, service, breaker, method: 'PUT', verb: 'config', body: {}, done });
  });
  const group = new Command('config')
    .description('get, set or clear the settings laid over a breaker; check the file of a service')
    .addCommand(get)
    .addCommand(set)
    .addCommand(clear);
  for (const command of configFileCommands(world)) group.addCommand(command);
  return group;
}

interface Act {
  readonly world: World;
  readonly options: ActingOptions;
  readonly service: string;
  readonly breaker: string;
  readonly method: string;
  readonly verb: string;
  readonly body: unknown;
  /** What to say when it is accepted. */
  readonly done: string;
}

async function act({ world, options, service, breaker, method, verb, body, done }: Act): Promise<void> {
  const limitMs = parseDuration(options.timeout, '--timeout');
  if (options.reason !== undefined && (options.reason.trim() === '' || options.reason.length > 500))
    throw usage(`--reason must be 1 to 500 characters, got ${options.reason.length}`);
  const client = clientOf(options, world);
  const path = breakerPath(service, breaker);
  const answer = await client.call<Accepted>(method, `${path}/${verb}`, body);
  const { revision } = answer;
  if (!options.wait) {
    print(world, options, answer, () => `${named(service, breaker)}: ${done} (revision ${revision})\n`);
    return;
  }
  const delivery = await waitUntilApplied({ client, path, revision, limitMs, now: world.now, sleep: world.sleep });
  const text = () => `${named(service, breaker)}: ${done}, ${deliveryLine(delivery)} (revision ${revision})\n`;
  print(world, options, { ...answer, delivery }, text);
}

function expiryOf(options: LockoutOptions, now: number): string {
  if ((options.for === undefined) === (options.until === undefined))
    throw usage('lockout needs one of --for and --until, such as --for 30m: a lockout without an end is forgotten');
  return options.for === undefined
    ? parseTime(options.until!, '--until', now)
    : new Date(now + parseDuration(options.for, '--for')).toISOString();
}
