import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Artifact, artifacts } from './artifacts.ts';
import { DEFAULT_CONFIG, type MixinConfig } from './config.ts';

const USAGE = `npm run generate -- [options]: writes dashboards, rules, alerts, runbook, the telemetry reference and the
schema of switchgear.yaml
  --check              write nothing; exit 1 when a file differs from what would be written
  --out FOLDER         write below this folder instead of the repository
  --grafana-url URL    where alerts link to dashboards; default ${DEFAULT_CONFIG.grafanaUrl}
  --runbook-url URL    where alerts link to the runbook; default ${DEFAULT_CONFIG.runbookUrl}
  --matchers PROMQL    matchers for every series of the rules, such as environment="production"
  --shared-wires REGEX names of the wires whose spool all replicas share; default ${DEFAULT_CONFIG.sharedWires}
`;

process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  const options = read(args);
  if (options === undefined) return 2;
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const wanted = artifacts(options.config);
  return options.check ? check(wanted, options.root) : write(wanted, options.root);
}

function write(wanted: readonly Artifact[], root: string): number {
  for (const { path, text } of wanted) {
    const target = join(root, path);
    if (readText(target) === text) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    process.stdout.write(`wrote ${path}\n`);
  }
  return 0;
}

function check(wanted: readonly Artifact[], root: string): number {
  const different = wanted.filter(({ path, text }) => readText(join(root, path)) !== text);
  for (const { path } of different) process.stderr.write(`${path} differs: run npm run generate\n`);
  return different.length === 0 ? 0 : 1;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function read(
  args: readonly string[],
): { check: boolean; help: boolean; root: string; config: MixinConfig } | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        out: { type: 'string', default: join(import.meta.dirname, '../..') },
        'grafana-url': { type: 'string', default: DEFAULT_CONFIG.grafanaUrl },
        'runbook-url': { type: 'string', default: DEFAULT_CONFIG.runbookUrl },
        matchers: { type: 'string', default: DEFAULT_CONFIG.matchers },
        'shared-wires': { type: 'string', default: DEFAULT_CONFIG.sharedWires },
      },
    });
    return {
      check: values.check,
      help: values.help,
      root: resolve(values.out),
      config: {
        ...DEFAULT_CONFIG,
        grafanaUrl: values['grafana-url'].replace(/\/+$/, ''),
        runbookUrl: values['runbook-url'],
        matchers: values.matchers,
        sharedWires: values['shared-wires'],
      },
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    return undefined;
  }
}
