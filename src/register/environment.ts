import { DEFAULT_CONTROL_PLANE_URL, describeProblem } from '@switchgear/conventions';

export const SIGNALS = ['metrics', 'logs', 'traces'] as const;
export type Signal = (typeof SIGNALS)[number];

/** Where and how often telemetry goes, as the environment asks for it. Only what the SDK does not read by itself. */
export interface Environment {
  /** `OTEL_SDK_DISABLED`. */
  readonly disabled: boolean;
  readonly metricsExporters: readonly MetricsExporter[];
  /** Signals that go to the control plane since nothing else is named for them. */
  readonly toControlPlane: readonly Signal[];
  /** `OTEL_TRACES_EXPORTER=none`. */
  readonly noTraces: boolean;
  readonly metricExportIntervalMs: number;
  readonly metricExportTimeoutMs: number;
  readonly prometheus: { readonly host: string; readonly port: number };
  readonly controlPlane: { readonly url: string; readonly token: string | undefined } | null;
  /** Milliseconds that the buffers of all breakers have to empty themselves before the process ends. */
  readonly drainMs: number;
  readonly logBatch: BatchLimits;
  readonly spanBatch: BatchLimits;
  /** `SWITCHGEAR_CONFIG`: the path of the configuration file, where it is not the usual one. */
  readonly configFile: string | undefined;
  /** Whether outgoing calls get breakers: `SWITCHGEAR_GUARDS`. */
  readonly guards: boolean;
  /** `OTEL_NODE_ENABLED_INSTRUMENTATIONS`; undefined where it is not set. */
  readonly enabledInstrumentations: readonly string[] | undefined;
  /** `OTEL_NODE_DISABLED_INSTRUMENTATIONS`. */
  readonly disabledInstrumentations: readonly string[];
  /** An address is named that telemetry goes to. */
  readonly hasAddress: boolean;
  /** Origins of the service's own telemetry and control plane. */
  readonly ownOrigins: ReadonlySet<string>;
  /** The user asked for the SDK's own diagnostics, so nothing is laid over them. */
  readonly logLevelGiven: boolean;
}

/** What the SDK's batch processors take; absent: the SDK's default. */
export interface BatchLimits {
  readonly maxQueueSize?: number;
  readonly scheduledDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
  readonly maxExportBatchSize?: number;
}

const METRICS_EXPORTERS = ['otlp', 'prometheus', 'console', 'none'] as const;
export type MetricsExporter = (typeof METRICS_EXPORTERS)[number];

const LONGEST_MS = 2 ** 31 - 1;
const LONGEST_DRAIN_MS = 3_600_000;

/**
 * Reads the standard OpenTelemetry variables and the `SWITCHGEAR_*` variables. It never throws: a value that
 * breaks a rule is one line in `problems`, and the default stands in its place.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): { environment: Environment; problems: string[] } {
  const read = new Reader(env);
  const controlPlane = readControlPlane(read);
  const metricsExporters = readMetricsExporters(read);
  const metricExportIntervalMs = read.integer('OTEL_METRIC_EXPORT_INTERVAL', 1, LONGEST_MS) ?? 60_000;
  const timeoutMs = read.integer('OTEL_METRIC_EXPORT_TIMEOUT', 1, LONGEST_MS) ?? 30_000;
  requireProtobuf(read);
  const environment: Environment = {
    disabled: read.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true',
    metricsExporters,
    toControlPlane: controlPlane === null ? [] : SIGNALS.filter((signal) => hasNoOtherPlace(read, signal)),
    noTraces: read.list('OTEL_TRACES_EXPORTER').includes('none'),
    metricExportIntervalMs,
    // The SDK refuses a timeout above the interval.
    metricExportTimeoutMs: Math.min(timeoutMs, metricExportIntervalMs),
    prometheus: {
      host: read.text('OTEL_EXPORTER_PROMETHEUS_HOST') ?? 'localhost',
      port: read.integer('OTEL_EXPORTER_PROMETHEUS_PORT', 0, 65_535) ?? 9464,
    },
    controlPlane,
    drainMs: read.integer('SWITCHGEAR_DRAIN_MS', 0, LONGEST_DRAIN_MS) ?? 5_000,
    logBatch: readBatch(read, 'OTEL_BLRP'),
    spanBatch: readBatch(read, 'OTEL_BSP'),
    configFile: read.text('SWITCHGEAR_CONFIG'),
    guards: read.oneOf('SWITCHGEAR_GUARDS', ['on', 'off']) !== 'off',
    enabledInstrumentations:
      read.text('OTEL_NODE_ENABLED_INSTRUMENTATIONS') === undefined
        ? undefined
        : read.list('OTEL_NODE_ENABLED_INSTRUMENTATIONS'),
    disabledInstrumentations: read.list('OTEL_NODE_DISABLED_INSTRUMENTATIONS'),
    hasAddress: controlPlane !== null || ADDRESSES.some((name) => read.text(name) !== undefined),
    ownOrigins: readOwnOrigins(read, controlPlane),
    logLevelGiven: read.text('OTEL_LOG_LEVEL') !== undefined,
  };
  return { environment, problems: read.problems };
}

/** The variables that name where OTLP goes. */
const ADDRESSES = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  ...SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`),
];

class Reader {
  readonly problems: string[] = [];
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** An empty variable means the same as one that is not set, as OpenTelemetry has it. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === '' ? undefined : value;
  }

  list(name: string): string[] {
    return [...new Set((this.text(name) ?? '').split(',').map((item) => item.trim()))].filter((item) => item !== '');
  }

  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    this.reject(name, `must be an integer from ${min} to ${max}`, text);
    return undefined;
  }

  oneOf(name: string, words: readonly string[]): string | undefined {
    const word = this.text(name);
    if (word === undefined || words.includes(word)) return word;
    this.reject(name, `must be one of ${words.join(', ')}`, word);
    return undefined;
  }

  reject(field: string, rule: string, value: unknown): void {
    this.problems.push(`${describeProblem({ field, rule, value })}; ignored`);
  }
}

function readControlPlane(read: Reader): Environment['controlPlane'] {
  const token = read.text('SWITCHGEAR_TOKEN');
  // A token says that there is a control plane; a service without either asks nobody.
  const text = read.text('SWITCHGEAR_URL') ?? (token === undefined ? undefined : DEFAULT_CONTROL_PLANE_URL);
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    read.reject('SWITCHGEAR_URL', 'must be an http:// or https:// address', text);
    return null;
  }
  if (token === undefined) {
    read.problems.push('SWITCHGEAR_URL is set without SWITCHGEAR_TOKEN; the control plane will refuse this service');
  }
  return { url: text.replace(/\/+$/, ''), token };
}

/** Where the exporters send to, as far as they read it themselves. */
function readOwnOrigins(read: Reader, controlPlane: Environment['controlPlane']): ReadonlySet<string> {
  const addresses = [controlPlane?.url, 'http://localhost:4318', ...ADDRESSES.map((name) => read.text(name))];
  return new Set(addresses.flatMap((address) => (address && URL.canParse(address) ? [new URL(address).origin] : [])));
}

function readMetricsExporters(read: Reader): MetricsExporter[] {
  const named = read.list('OTEL_METRICS_EXPORTER');
  const known = named.filter((name) => METRICS_EXPORTERS.includes(name as MetricsExporter)) as MetricsExporter[];
  for (const name of named) {
    if (!known.includes(name as MetricsExporter)) {
      read.reject('OTEL_METRICS_EXPORTER', `must be of ${METRICS_EXPORTERS.join(', ')}`, name);
    }
  }
  if (known.includes('none')) return [];
  return known.length > 0 ? known : ['otlp'];
}

/** Whether a signal goes by OTLP, and no address says where. */
function hasNoOtherPlace(read: Reader, signal: Signal): boolean {
  const exporters = read.list(`OTEL_${signal.toUpperCase()}_EXPORTER`);
  if (exporters.length > 0 && !exporters.includes('otlp')) return false;
  return (
    read.text('OTEL_EXPORTER_OTLP_ENDPOINT') === undefined &&
    read.text(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`) === undefined
  );
}

function requireProtobuf(read: Reader): void {
  for (const name of ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    const protocol = read.text(name);
    if (protocol === undefined || protocol === 'http/protobuf') continue;
    read.reject(name, 'must be http/protobuf, which is what metrics are sent as', protocol);
  }
}

function readBatch(read: Reader, prefix: string): BatchLimits {
  const maxQueueSize = read.integer(`${prefix}_MAX_QUEUE_SIZE`, 1, 1_000_000);
  const scheduledDelayMillis = read.integer(`${prefix}_SCHEDULE_DELAY`, 1, LONGEST_MS);
  const exportTimeoutMillis = read.integer(`${prefix}_EXPORT_TIMEOUT`, 1, LONGEST_MS);
  const maxExportBatchSize = read.integer(`${prefix}_MAX_EXPORT_BATCH_SIZE`, 1, 1_000_000);
  return {
    ...(maxQueueSize !== undefined && { maxQueueSize }),
    ...(scheduledDelayMillis !== undefined && { scheduledDelayMillis }),
    ...(exportTimeoutMillis !== undefined && { exportTimeoutMillis }),
    ...(maxExportBatchSize !== undefined && { maxExportBatchSize }),
  };
}
