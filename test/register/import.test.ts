import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { METRICS } from '@switchgear/conventions';
import { afterEach, describe, expect, test } from 'vitest';
import { startReceiver } from './otlp-receiver.ts';

const SERVICE = fileURLToPath(new URL('./services/idle.ts', import.meta.url));
const REGISTER = new URL('../../src/register/index.ts', import.meta.url).href;
/** A port of this machine where nothing listens. */
const NOWHERE = 'http://127.0.0.1:9';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('node --import @switchgear/register', () => {
  test('sends metrics to the control plane with the token, flushed at SIGTERM, and ends by the signal', async () => {
    const receiver = await receive();
    const service = await run({
      SWITCHGEAR_URL: receiver.url,
      SWITCHGEAR_TOKEN: 'agent-secret',
      OTEL_SERVICE_NAME: 'shop',
    });
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: null, signal: 'SIGTERM' });
    const [metrics] = receiver.at('/v1/metrics');
    expect(metrics).toMatchObject({ authorization: 'Bearer agent-secret', contentType: 'application/x-protobuf' });
    expect(metrics!.body.includes(METRICS.calls.name)).toBe(true);
    expect(metrics!.body.includes('shop')).toBe(true);
  });

  test('the control plane and the telemetry know the process by the same instance id', async () => {
    const receiver = await receive();
    const service = await run({
      SWITCHGEAR_URL: receiver.url,
      SWITCHGEAR_TOKEN: 'agent-secret',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop,service.instance.id=instance-4711',
    });
    await until(() => receiver.at('/v1/opamp').length > 0);
    service.child.kill('SIGTERM');
    await service.ended;
    expect(receiver.at('/v1/opamp')[0]!.authorization).toBe('Bearer agent-secret');
    expect(receiver.at('/v1/opamp')[0]!.body.includes('instance-4711')).toBe(true);
    expect(receiver.at('/v1/metrics')[0]!.body.includes('instance-4711')).toBe(true);
  });

  test('a collector named by the standard variable gets the telemetry, and not the token', async () => {
    const collector = await receive();
    const service = await run({
      SWITCHGEAR_URL: NOWHERE,
      SWITCHGEAR_TOKEN: 'agent-secret',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    service.child.kill('SIGINT');
    expect(await service.ended).toEqual({ code: null, signal: 'SIGINT' });
    expect(collector.at('/v1/metrics').length).toBeGreaterThan(0);
    expect(collector.received.map(({ authorization }) => authorization)).not.toContain('Bearer agent-secret');
  });

  test("an application's own handler of SIGTERM stays in charge, and what there is is sent", async () => {
    const receiver = await receive();
    const service = await run({
      SWITCHGEAR_URL: receiver.url,
      SWITCHGEAR_TOKEN: 'agent-secret',
      TEST_HANDLES_SIGTERM: '1',
    });
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: 7, signal: null });
    expect(service.output()).toContain('own handler');
    expect(receiver.at('/v1/metrics').length).toBeGreaterThan(0);
  });

  test('a service that comes to its end by itself sends what is left and ends with 0', async () => {
    const receiver = await receive();
    const service = await run({ SWITCHGEAR_URL: receiver.url, SWITCHGEAR_TOKEN: 'agent-secret', TEST_ENDS: '1' });
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(receiver.at('/v1/metrics').length).toBeGreaterThan(0);
  });

  test('a control plane that is down is told in single lines, once each, and the service runs', async () => {
    const service = await run({
      SWITCHGEAR_URL: NOWHERE,
      SWITCHGEAR_TOKEN: 'agent-secret',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
    });
    await until(() => service.output().includes('switchgear: '));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(service.child.exitCode).toBeNull();
    const lines = service
      .output()
      .split('\n')
      .filter((line) => line.startsWith('switchgear: '));
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.length).toBeLessThan(6);
    expect(service.output()).not.toMatch(/^\s+at /m);
    expect(service.output()).not.toContain('agent-secret');
    service.child.kill('SIGKILL');
  });

  test('bad values are a line each and keep nothing from starting', async () => {
    const service = await run({
      SWITCHGEAR_URL: 'nowhere',
      OTEL_METRIC_EXPORT_INTERVAL: 'often',
      OTEL_METRICS_EXPORTER: 'none',
    });
    expect(service.output()).toContain(
      'switchgear: `SWITCHGEAR_URL` must be an http:// or https:// address, got "nowhere"',
    );
    expect(service.output()).toContain('switchgear: `OTEL_METRIC_EXPORT_INTERVAL` must be an integer');
    service.child.kill('SIGKILL');
  });

  test('OTEL_SDK_DISABLED sends no telemetry', async () => {
    const receiver = await receive();
    const service = await run({
      OTEL_SDK_DISABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
    });
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(receiver.received).toEqual([]);
  });

  test('more series than the SDK allows by default reach the scrape', async () => {
    const service = await run({
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
      TEST_MANY_SERIES: '1',
    });
    const address = () => /Prometheus endpoint on (http:\S+)/.exec(service.output())?.[1];
    await until(() => address() !== undefined);
    const text = await (await fetch(address()!)).text();
    const rows = text.split('\n').filter((line) => line.startsWith(`${METRICS.calls.prometheus}{`));
    expect(rows.length).toBe(401 * 8);
    const durations = text.split('\n').filter((line) => line.startsWith(`${METRICS.callDuration.prometheus}_count{`));
    expect(durations.length).toBe(401 * 3);
    expect(durations.filter((line) => !line.endsWith(' 0'))).toEqual([
      expect.stringMatching(/breaker_name="upstream",breaker_call_outcome="success".* 1$/),
    ]);
    expect(text).not.toContain('otel_metric_overflow');
    service.child.kill('SIGKILL');
  });
});

async function receive() {
  const receiver = await startReceiver();
  closers.push(() => receiver.close());
  return receiver;
}

/** Starts the service, and waits until it is past its start. */
async function run(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', REGISTER, SERVICE], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  closers.push(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = exit(child);
  await until(
    () => output.includes('ready\n') || child.exitCode !== null,
    () => output,
  );
  return { child, ended, output: () => output };
}

function exit(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
}

async function until(holds: () => boolean, output: () => string = () => ''): Promise<void> {
  for (const end = performance.now() + 15_000; !holds(); ) {
    if (performance.now() > end) throw new Error(`It did not come to pass; output: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
