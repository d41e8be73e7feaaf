const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
const { startSdk } = require('./start-sdk.cjs');

startSdk({
  api: require(process.env.TEST_API ?? '@opentelemetry/api'),
  sdkNode: require('@opentelemetry/sdk-node'),
  sdkTrace: require('@opentelemetry/sdk-trace'),
  sdkMetrics: require('@opentelemetry/sdk-metrics'),
  sdkLogs: require('@opentelemetry/sdk-logs'),
  instrumentations: () => {
    const made = [new HttpInstrumentation(), new UndiciInstrumentation()];
    // As exporters do, so that it is patched before the SDK starts.
    require('node:http');
    return made;
  },
});
