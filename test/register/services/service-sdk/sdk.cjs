const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
const { startSdk } = require('./start-sdk.cjs');

startSdk({
  api: require(process.env.TEST_API ?? '@opentelemetry/api'),
  sdkNode: require('@opentelemetry/sdk-node'),
  sdkTrace: require('@opentelemetry/sdk-trace'),
  sdkMetrics: require('@opentelemetry/sdk-metrics'),
  sdkLogs: require('@opentelemetry/sdk-logs'),
  instrumentations: () => [new HttpInstrumentation(), new UndiciInstrumentation()],
});
