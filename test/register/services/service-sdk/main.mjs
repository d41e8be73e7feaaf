import http from 'node:http';
import * as api from '@opentelemetry/api';
import { work } from './work.cjs';

const early = api.trace.getTracer('early');
if (!globalThis.serviceSdk) await import('./sdk.mjs');
await work({ api, http, early });
