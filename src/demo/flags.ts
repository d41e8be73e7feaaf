import { parseArgs } from 'node:util';
import { describeProblem, type Problem } from '@switchgear/conventions';

export interface DemoFlags {
  /** Seconds of traffic; `null` runs until Ctrl-C. */
  readonly forSeconds: number | null;
  /** Orders a second. */
  readonly rate: number;
  /** Of the control plane; 0 takes a free one. */
  readonly port: number;
  /** Of shop, payments and inventory; 0 takes a free one. */
  readonly metricsPorts: readonly [number, number, number];
  /** The control plane's data folder; `null` takes a new one that is removed at the end. */
  readonly dataFolder: string | null;
  /** Whether to start a control plane, or to use the one at `SWITCHGEAR_URL`. */
  readonly controlPlane: boolean;
  readonly jsonFile: string | null;
  /** Shuffles the faults and varies their lengths; `null` keeps the order of the help text. */
  readonly seed: number | null;
}

/** A flag that is wrong. Its message is one line for a terminal. */
export class FlagError extends Error {
  readonly code = 'BAD_FLAG';
}

export const HELP = `Three real services, real traffic, and faults that trip their breakers.

Usage: npm run demo -- [options]

  --for SECONDS         end by itself after so many seconds of traffic, 12 to 86400 (default: until Ctrl-C)
  --rate N              orders a second, 10 to 500 (default: 40)
  --port N              port of the control plane, 0 takes a free one (default: 4390)
  --metrics-ports A,B,C Prometheus ports of shop, payments and inventory, 0 takes a free one
                        (default: 9464,9465,9466, and a free one where that is taken)
  --data DIR            keep the control plane's data in DIR (default: a new folder, removed at the end)
  --no-control-plane    use the control plane at SWITCHGEAR_URL with SWITCHGEAR_TOKEN instead of starting one
  --seed N              shuffle the faults, 0 to 4294967295; the same number gives the same order
  --json FILE           write addresses, process ids and tokens at the start, and the summary at the end (mode 0600)
  --help                this text

Faults, in turn: payments answers errors, inventory is slow, payments' port is dead, the bank fails, the warehouse fails.
OTEL_EXPORTER_OTLP_ENDPOINT sends the services' telemetry to a collector instead of the control plane.
NO_COLOR turns colors off. Exit code: 0 when nothing was lost, 1 when something was or could not run, 2 for wrong options.
`;

export const DEFAULT_METRICS_PORTS = [9464, 9465, 9466] as const;

/**
 * Reads the command line.
 * @returns `help` where that is asked for
 * @throws FlagError naming flag, rule and value
 */
export function readFlags(args: readonly string[]): DemoFlags | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  return {
    forSeconds: values.for === undefined ? null : integer('--for', values.for, 12, 86_400),
    rate: integer('--rate', values.rate ?? '40', 10, 500),
    port: integer('--port', values.port ?? '4390', 0, 65_535),
    metricsPorts: values['metrics-ports'] === undefined ? DEFAULT_METRICS_PORTS : ports(values['metrics-ports']),
    dataFolder: values.data ?? null,
    controlPlane: !values['no-control-plane'],
    jsonFile: values.json ?? null,
    seed: values.seed === undefined ? null : integer('--seed', values.seed, 0, 2 ** 32 - 1),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        for: { type: 'string' },
        rate: { type: 'string' },
        port: { type: 'string' },
        'metrics-ports': { type: 'string' },
        data: { type: 'string' },
        'no-control-plane': { type: 'boolean' },
        seed: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new FlagError(`${(error as Error).message.split('. ', 1)[0]}; see --help`);
  }
}

function integer(field: string, text: string, min: number, max: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw flagError({ field, rule: `must be an integer from ${min} to ${max}`, value: text });
}

function ports(text: string): [number, number, number] {
  const [shop, payments, inventory, ...more] = text.split(',').map((port) => port.trim());
  if (shop === undefined || payments === undefined || inventory === undefined || more.length > 0) {
    throw flagError({ field: '--metrics-ports', rule: 'must be three ports with commas between them', value: text });
  }
  const read = (port: string) => integer('--metrics-ports', port, 0, 65_535);
  return [read(shop), read(payments), read(inventory)];
}

function flagError(problem: Problem): FlagError {
  return new FlagError(`${describeProblem(problem)}; see --help`);
}
