import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Measurement } from '../measurement.ts';
import { median } from '../median.ts';
import { autoInstrumentations } from '../service/auto-instrumentations.ts';
import { stagedRegister } from '../service/staged-register.ts';

const ROUNDS = 7;
const WARM_UP = 1_500;
const REQUESTS = 4_000;
const AT_A_TIME = 8;
const PROGRAM = fileURLToPath(new URL('../service/relay.cjs', import.meta.url));

interface Sample {
  /** Until it listens. */
  readonly startMs: number;
  /** CPU time of all its threads until then. */
  readonly startCpuMs: number;
  readonly requestCpuNs: number;
}

/**
 * What register costs a service, beside OpenTelemetry's auto-instrumentations with the same two instrumentations and the same exporter:
 * until it listens, and CPU time for each request that makes an outgoing one.
 */
export async function register(): Promise<Measurement[]> {
  const peer = 'auto-instrumentations';
  const starts: Readonly<Record<string, string | undefined>> = {
    bare: undefined,
    [peer]: await autoInstrumentations(),
    register: await stagedRegister(),
  };
  const upstream = await listen((_request, response) => response.end('fine'));
  const sink = await listen((incoming, response) => incoming.resume().once('end', () => response.end()));
  const samples: Record<string, Sample[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, entry] of rotated(Object.entries(starts), round)) {
      samples[name] ??= [];
      samples[name].push(await sample(entry, addressOf(upstream), addressOf(sink)));
    }
  }
  upstream.close();
  sink.close();
  const of = (name: string, key: keyof Sample) => median(samples[name]!.map((one) => one[key]));
  const measurement = (name: string, what: string, unit: Measurement['unit'], key: keyof Sample): Measurement => ({
    name,
    what,
    unit,
    figure: of('register', key),
    peers: { [peer]: of(peer, key), bare: of('bare', key) },
  });
  return [
    measurement('register-start', 'a service under register listens, after', 'ms', 'startMs'),
    measurement('register-start-cpu', 'CPU time of that start', 'ms', 'startCpuMs'),
    measurement('register-request', 'CPU time of a request in, one out, under register', 'ns', 'requestCpuNs'),
  ];
}

async function sample(entry: string | undefined, relayTo: string, sink: string): Promise<Sample> {
  const child = spawn(process.execPath, [...(entry === undefined ? [] : ['--import', entry]), PROGRAM], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      RELAY_TO: relayTo,
      OTEL_SERVICE_NAME: 'relay',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,undici',
    },
  });
  try {
    const { port, startMs, cpuMs: startCpuMs } = await told<{ port: number; startMs: number; cpuMs: number }>(child);
    const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
    await drive(port, agent, WARM_UP);
    const before = await cpuOf(child);
    await drive(port, agent, REQUESTS);
    const after = await cpuOf(child);
    agent.destroy();
    return { startMs, startCpuMs, requestCpuNs: ((after - before) / REQUESTS) * 1e6 };
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

async function drive(port: number, agent: Agent, requests: number): Promise<void> {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) await get(port, agent);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

function get(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the service answered ${response.statusCode}`));
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end();
  });
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  return (await told<{ cpuMs: number }>(child)).cpuMs;
}

async function told<Report>(child: ChildProcess): Promise<Report> {
  const [report] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the service ended with ${code}`))),
  ]);
  return report as Report;
}

async function listen(handler: Parameters<typeof createServer>[1] & object): Promise<Server> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
