import { readFile } from 'node:fs/promises';
import { jsonSchema, readConfig, type ServiceConfig } from '@switchgear/service-config';
import { Command } from 'commander';
import type { World } from './context.ts';
import { CliFailure, EXIT, usage } from './failure.ts';

/** `config check` and `config schema`: these are about a service's own file and ask no server. */
export function configFileCommands(world: World): Command[] {
  return [check(world), schema(world)];
}

function check(world: World): Command {
  return new Command('check')
    .description('check a switchgear.yaml; each problem is a line with its place: file:line:column')
    .argument('[file]', 'the file', 'switchgear.yaml')
    .option('--json', 'print the problems as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  switchgear config check\n  switchgear config check deploy/switchgear.yaml --json\n',
    )
    .action(async (file: string, options: { readonly json?: true }) => {
      const { config, problems } = readConfig(await textOf(file));
      if (options.json) world.out(`${JSON.stringify({ file, problems }, null, 2)}\n`);
      else if (config) world.out(`${file} is in order: ${summaryOf(config)}\n`);
      else for (const { line, column, message } of problems) world.out(`${file}:${line}:${column} ${message}\n`);
      if (!config) throw new CliFailure(EXIT.failed, `${file} has ${count(problems.length, 'problem')}`);
    });
}

function schema(world: World): Command {
  return new Command('schema')
    .description('print the JSON Schema of switchgear.yaml, for editors')
    .addHelpText('after', '\nExamples:\n  switchgear config schema > switchgear.schema.json\n')
    .action(() => world.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw usage(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`);
  }
}

function summaryOf({ breakers = {}, rules = [] }: ServiceConfig): string {
  return `${count(Object.keys(breakers).length, 'breaker')}, ${count(rules.length, 'rule')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
