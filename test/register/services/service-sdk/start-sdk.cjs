const { ownContextManager, ownPropagator } = require('./own-context.cjs');

/** The SDK of a service, for the signals that TEST_SIGNALS names; all it is given stays in memory. */
exports.startSdk = ({ api, sdkNode, sdkTrace, sdkMetrics, sdkLogs, instrumentations }) => {
  const signals = (process.env.TEST_SIGNALS ?? 'traces').split(',');
  const spans = new sdkTrace.InMemorySpanExporter();
  const records = new sdkLogs.InMemoryLogRecordExporter();
  const sums = new sdkMetrics.InMemoryMetricExporter(sdkMetrics.AggregationTemporality.CUMULATIVE);
  const reader = new sdkMetrics.PeriodicExportingMetricReader({ exporter: sums, exportIntervalMillis: 60_000 });
  const contextManager = ownContextManager(api);
  const propagator = ownPropagator(api);
  const spanProcessors = [new sdkTrace.SimpleSpanProcessor({ exporter: spans })];
  if (process.env.TEST_BY_HAND) {
    api.context.setGlobalContextManager(contextManager);
    api.propagation.setGlobalPropagator(propagator);
    api.trace.setGlobalTracerProvider(new sdkTrace.TracerProvider({ spanProcessors }));
    if (signals.includes('metrics')) {
      api.metrics.setGlobalMeterProvider(new sdkMetrics.MeterProvider({ readers: [reader] }));
    }
  } else {
    if (!signals.includes('logs')) process.env.OTEL_LOGS_EXPORTER = 'none';
    new sdkNode.NodeSDK({
      contextManager,
      textMapPropagator: propagator,
      spanProcessors,
      instrumentations: instrumentations(),
      ...(process.env.TEST_METRICS_BY_ENVIRONMENT
        ? {}
        : { metricReaders: signals.includes('metrics') ? [reader] : [] }),
      ...(signals.includes('logs') && {
        logRecordProcessors: [new sdkLogs.SimpleLogRecordProcessor({ exporter: records })],
      }),
    }).start();
  }
  globalThis.serviceSdk = { signals, spans, records, sums, reader, contextManager };
};
