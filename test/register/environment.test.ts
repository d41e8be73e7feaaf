import { describe, expect, test } from 'vitest';
import { readEnvironment } from '../../src/register/environment.ts';

describe('the environment', () => {
  test('an empty one sends all by OTLP each minute, without a control plane', () => {
    const { environment, problems } = readEnvironment({});
    expect(problems).toEqual([]);
    expect(environment).toMatchObject({
      disabled: false,
      metricsExporters: ['otlp'],
      toControlPlane: [],
      metricExportIntervalMs: 60_000,
      metricExportTimeoutMs: 30_000,
      prometheus: { host: 'localhost', port: 9464 },
      controlPlane: null,
      drainMs: 5_000,
    });
  });

  test('telemetry goes to the control plane where nothing else is named for it', () => {
    const { environment } = readEnvironment({ SWITCHGEAR_URL: 'http://127.0.0.1:4390/', SWITCHGEAR_TOKEN: 'secret' });
    expect(environment.controlPlane).toEqual({ url: 'http://127.0.0.1:4390', token: 'secret' });
    expect(environment.toControlPlane).toEqual(['metrics', 'logs', 'traces']);
  });

  test('a token alone means the control plane at its usual address', () => {
    const { environment, problems } = readEnvironment({ SWITCHGEAR_TOKEN: 'secret' });
    expect(problems).toEqual([]);
    expect(environment.controlPlane).toEqual({ url: 'http://127.0.0.1:4390', token: 'secret' });
  });

  test.each([
    ['a collector for all', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, []],
    ['a collector for one signal', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://tempo:4318' }, ['metrics', 'logs']],
    ['another exporter', { OTEL_LOGS_EXPORTER: 'console' }, ['metrics', 'traces']],
    ['no exporter', { OTEL_TRACES_EXPORTER: 'none' }, ['metrics', 'logs']],
    ['an empty variable, which names nothing', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, ['metrics', 'logs', 'traces']],
  ])('%s keeps its meaning beside the control plane', (_, env, expected) => {
    const control = { SWITCHGEAR_URL: 'http://127.0.0.1:4390', SWITCHGEAR_TOKEN: 'secret' };
    expect(readEnvironment({ ...control, ...env }).environment.toControlPlane).toEqual(expected);
  });

  test('exporters of metrics stand in a list', () => {
    const exporters = (value: string) => readEnvironment({ OTEL_METRICS_EXPORTER: value }).environment.metricsExporters;
    expect(exporters('otlp, prometheus,otlp')).toEqual(['otlp', 'prometheus']);
    expect(exporters('prometheus')).toEqual(['prometheus']);
    expect(exporters('none')).toEqual([]);
  });

  test('the export timeout never passes the interval, which the SDK would refuse', () => {
    const { environment } = readEnvironment({ OTEL_METRIC_EXPORT_INTERVAL: '1000' });
    expect(environment.metricExportTimeoutMs).toBe(1_000);
  });

  test('limits of the batch processors are handed on', () => {
    const { environment } = readEnvironment({ OTEL_BLRP_SCHEDULE_DELAY: '500', OTEL_BSP_MAX_QUEUE_SIZE: '10' });
    expect(environment.logBatch).toEqual({ scheduledDelayMillis: 500 });
    expect(environment.spanBatch).toEqual({ maxQueueSize: 10 });
  });

  test.each([
    ['SWITCHGEAR_URL', 'control-plane', '`SWITCHGEAR_URL` must be an http:// or https:// address'],
    ['SWITCHGEAR_URL', 'ftp://control-plane', '`SWITCHGEAR_URL` must be an http:// or https:// address'],
    ['OTEL_METRIC_EXPORT_INTERVAL', 'soon', '`OTEL_METRIC_EXPORT_INTERVAL` must be an integer from 1 to 2147483647'],
    ['OTEL_METRIC_EXPORT_INTERVAL', '0', '`OTEL_METRIC_EXPORT_INTERVAL` must be an integer from 1'],
    ['OTEL_EXPORTER_PROMETHEUS_PORT', '70000', '`OTEL_EXPORTER_PROMETHEUS_PORT` must be an integer from 0 to 65535'],
    ['OTEL_METRICS_EXPORTER', 'statsd', '`OTEL_METRICS_EXPORTER` must be of otlp, prometheus, console, none'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', '`OTEL_EXPORTER_OTLP_PROTOCOL` must be http/protobuf'],
  ])('%s=%s is one clear line, and the default stands', (name, value, line) => {
    const { environment, problems } = readEnvironment({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(line);
    expect(problems[0]).toContain(value);
    expect(problems[0]).not.toContain('\n');
    expect(environment).toEqual(readEnvironment({}).environment);
  });

  test('a control plane without a token is told, and the token itself never is', () => {
    const { problems } = readEnvironment({ SWITCHGEAR_URL: 'http://127.0.0.1:4390' });
    expect(problems.join()).toContain('without SWITCHGEAR_TOKEN');
    expect(readEnvironment({ SWITCHGEAR_URL: 'nonsense', SWITCHGEAR_TOKEN: 'secret' }).problems.join()).not.toContain(
      'secret',
    );
  });
});
