const { once } = require('node:events');
const { connect } = require('node:net');

/** Serves one request, which calls the upstream by fetch and by node:http, and tells what the service's own SDK has of it. */
exports.work = async ({ api, http, early }) => {
  const rejections = [];
  process.on('unhandledRejection', (error) => rejections.push(String(error)));
  const upstream = process.env.UPSTREAM_URL;
  const tracer = api.trace.getTracer('service');
  api.metrics.getMeter('service').createCounter('service.requests').add(1);
  const server = http.createServer(async (_, response) => {
    await tracer.startActiveSpan('own work', async (span) => {
      await fetch(`${upstream}/by-fetch`).then((answer) => answer.text());
      await new Promise((resolve, reject) => {
        http.get(`${upstream}/by-http`, (answer) => answer.resume().on('end', resolve)).on('error', reject);
      });
      tracer.startSpan('child after await').end();
      early.startSpan('of an early tracer').end();
      span.end();
    });
    response.end('done');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await ask(server.address().port);
  server.close();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { spans, records, sums, reader, signals, contextManager } = globalThis.serviceSdk;
  if (signals.includes('metrics') && !process.env.TEST_METRICS_BY_ENVIRONMENT) await reader.forceFlush();
  const registered = globalThis[Symbol.for('opentelemetry.js.api.1')];
  const report = {
    spans: spans.getFinishedSpans().map((span) => ({
      name: span.name,
      scope: span.instrumentationScope.name,
      traceId: span.spanContext().traceId,
      spanId: span.spanContext().spanId,
      parentId: span.parentSpanContext?.spanId,
    })),
    events: records.getFinishedLogRecords().map((record) => record.eventName),
    metrics: [
      ...new Set(
        sums
          .getMetrics()
          .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
          .map(({ descriptor }) => descriptor.name),
      ),
    ],
    ownContextManager: registered.context === contextManager,
    propagationFields: api.propagation.fields(),
    rejections,
  };
  console.log(`REPORT ${JSON.stringify(report)}`);
  if (process.env.TEST_STAYS) setInterval(() => {}, 1_000);
};

/** By a bare socket, so that no span is of the one who asks. */
async function ask(port) {
  const socket = connect(port, '127.0.0.1');
  const trace = `traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  socket.write(`GET /shop HTTP/1.1\r\nhost: shop\r\n${trace}\r\nconnection: close\r\n\r\n`);
  socket.resume();
  await once(socket, 'close');
}
