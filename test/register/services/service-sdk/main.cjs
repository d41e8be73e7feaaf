const api = require(process.env.TEST_API ?? '@opentelemetry/api');

const early = api.trace.getTracer('early');
if (!globalThis.serviceSdk) require('./sdk.cjs');
// After the SDK, as its instrumentations want it.
const http = require('node:http');
const { work } = require('./work.cjs');

void work({ api, http, early });
