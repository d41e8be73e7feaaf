import { DEFAULT_CONTROL_PLANE_URL } from '@switchgear/conventions';
import { Command, CommanderError } from 'commander';
import { actingCommands } from './acting.ts';
import type { World } from './context.ts';
import { CliFailure, EXIT, type ExitCode } from './failure.ts';
import { readingCommands } from './reading.ts';
import { oneLine } from './table.ts';
import { VERSION } from './version.ts';
import { watchCommand } from './watch.ts';

/**
 * Runs one command line and returns its exit code. Failures are one line on `world.error`; nothing is thrown.
 * @param args without the interpreter and the script.
 */
export async function run(args: readonly string[], world: World): Promise<ExitCode> {
  try {
    await program(world).parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const failure = error instanceof CliFailure ? error : undefined;
    const said = failure?.message ?? `Unexpected: ${error instanceof Error ? error.message : String(error)}`;
    world.error(`switchgear: ${oneLine(said)}\n`);
    return failure?.exitCode ?? EXIT.failed;
  }
}

function program(world: World): Command {
  const root = new Command('switchgear')
    .description('See and steer the circuit breakers of a fleet.')
    .version(VERSION, '--version', 'print the version of this command')
    .exitOverride()
    .configureOutput({ writeOut: world.out, writeErr: world.error })
    .addHelpText('after', EXAMPLES);
  for (const command of [...readingCommands(world), ...actingCommands(world), watchCommand(world)]) {
    root.addCommand(inherit(command, root));
  }
  return root;
}

/** `addCommand` does not hand settings down; a subcommand that exits the process or writes past us would escape `run`. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

const EXAMPLES = `
Examples:
  switchgear ls --state open
  switchgear show shop payments
  switchgear trip shop payments --reason "provider maintenance" --wait
  switchgear lockout shop payments --reason "INC-42" --for 30m
  switchgear release shop payments --reason "INC-42 is over" --wait
  switchgear config set shop payments trip.failureRatio=0.3 cooldownMs=60000
  switchgear config clear shop payments
  switchgear config check switchgear.yaml
  switchgear watch --service shop

Environment:
  SWITCHGEAR_URL    the control plane, default ${DEFAULT_CONTROL_PLANE_URL}
  SWITCHGEAR_TOKEN  the bearer token
  NO_COLOR          no colour, also on a terminal

Exit codes:
  0  done
  1  the server refused or could not be reached
  2  the command line is wrong
  3  accepted, but not applied on all live instances (--wait)
`;
