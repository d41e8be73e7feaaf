import * as api from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import * as sdkLogs from '@opentelemetry/sdk-logs';
import * as sdkMetrics from '@opentelemetry/sdk-metrics';
import * as sdkNode from '@opentelemetry/sdk-node';
import * as sdkTrace from '@opentelemetry/sdk-trace';
import { startSdk } from './start-sdk.cjs';

const instrumentations = () => [new HttpInstrumentation(), new UndiciInstrumentation()];
startSdk({ api, sdkNode, sdkTrace, sdkMetrics, sdkLogs, instrumentations });
