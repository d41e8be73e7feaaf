import pino from 'pino';
import { type ControlPlane, createControlPlane } from '../../../src/control-plane/app.ts';
import { type ControlPlaneOptions, readOptions } from '../../../src/control-plane/options.ts';

export const OPERATOR = 'operator-token-for-tests';
export const VIEWER = 'viewer-token-for-tests';
export const AGENT = 'agent-token-for-tests';

export interface Started {
  readonly controlPlane: ControlPlane;
  readonly url: string;
  /** Asks the API as the operator, unless `token` says otherwise. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  /** Sent as it is, in place of `body` as JSON. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly body: any;
}

/** Starts a control plane over real HTTP on a free port of the loopback. */
export async function startControlPlane(
  overrides: Partial<ControlPlaneOptions> = {},
  environment: Record<string, string> = {},
): Promise<Started> {
  const options = readOptions({
    SWITCHGEAR_PORT: '0',
    SWITCHGEAR_STORE: 'sqlite::memory:',
    SWITCHGEAR_TOKEN: OPERATOR,
    SWITCHGEAR_VIEWER_TOKEN: VIEWER,
    SWITCHGEAR_AGENT_TOKEN: AGENT,
    ...environment,
  });
  const controlPlane = createControlPlane({ ...options, log: pino({ level: 'silent' }), ...overrides });
  const { url } = await controlPlane.start();
  return { controlPlane, url, ask: (method, path, ask) => askOnce(url, method, path, ask) };
}

export async function askOnce(url: string, method: string, path: string, ask: AskOptions = {}): Promise<Answer> {
  const { token = OPERATOR, body, raw, headers } = ask;
  const hasBody = raw !== undefined || body !== undefined;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(hasBody && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(hasBody && { body: raw ?? JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** OTLP/JSON that says a breaker is in a state. */
export function statusMetrics(service: string, breaker: string, state: string, at = Date.now()): unknown {
  const states = ['closed', 'open', 'half_open', 'forced_open', 'disabled', 'shadow'];
  return {
    resourceMetrics: [
      {
        resource: resource(service),
        scopeMetrics: [
          {
            scope: { name: '@switchgear/breaker' },
            metrics: [
              {
                name: 'breaker.status',
                unit: '1',
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: false,
                  dataPoints: states.map((name) => ({
                    asInt: name === state ? '1' : '0',
                    timeUnixNano: `${at}000000`,
                    attributes: [attribute('breaker.name', breaker), attribute('breaker.state', name)],
                  })),
                },
              },
            ],
          },
        ],
      },
    ],
  };
}

/** OTLP/JSON with events of a breaker. */
export function eventLogs(service: string, breaker: string, events: readonly string[], at = Date.now()): unknown {
  return {
    resourceLogs: [
      {
        resource: resource(service),
        scopeLogs: [
          {
            scope: { name: '@switchgear/breaker' },
            logRecords: events.map((eventName) => ({
              eventName,
              timeUnixNano: `${at}000000`,
              severityNumber: 13,
              attributes: [attribute('breaker.name', breaker), attribute('breaker.previous_state', 'closed')],
            })),
          },
        ],
      },
    ],
  };
}

const INVENTORY_BREAKER = {
  state: 'closed',
  generation: 0,
  settings: {
    trip: { failureRatio: 0.5, minimumCalls: 20, failures: null, windowMs: 10_000 },
    cooldownMs: 30_000,
    halfOpen: { probes: 3, probeTimeoutMs: 10_000 },
    timeoutMs: 10_000,
  },
  neutralWires: [{ name: 'buffer', kind: 'buffer', capacity: 100 }],
};

export function inventory(breaker: string, parts: Record<string, unknown> = {}): unknown {
  return {
    schema: 'switchgear.inventory/v1',
    breakers: { [breaker]: { ...INVENTORY_BREAKER, ...parts } },
  };
}

/** An agent that speaks OpAMP as JSON; each `send` is the next message of its sequence. */
export function opampAgent(url: string, service: string, uid = 'AAAAAAAAAAAAAAAAAAAAAA==') {
  let sequence = 0;
  return {
    async send(parts: Record<string, unknown> = {}, options: { wait?: number; signal?: AbortSignal } = {}) {
      sequence += 1;
      const response = await fetch(`${url}/v1/opamp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${AGENT}`,
          'content-type': 'application/json',
          ...(options.wait !== undefined && { prefer: `wait=${options.wait}` }),
        },
        body: JSON.stringify({ instanceUid: uid, sequenceNum: String(sequence), capabilities: '4103', ...parts }),
        ...(options.signal && { signal: options.signal }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
      const body = (await response.json()) as any;
      const file = body.remoteConfig?.config.configMap['desired-state.json'];
      return {
        status: response.status,
        body,
        hash: body.remoteConfig?.configHash as string | undefined,
        document: file && JSON.parse(Buffer.from(file.body, 'base64').toString()),
      };
    },
    describe: (breaker: string, parts: Record<string, unknown> = {}) => ({
      agentDescription: {
        identifyingAttributes: [attribute('service.name', service), attribute('service.instance.id', `${service}-1`)],
      },
      effectiveConfig: {
        configMap: {
          configMap: {
            'inventory.json': {
              body: Buffer.from(JSON.stringify(inventory(breaker, parts))).toString('base64'),
              contentType: 'application/json',
            },
          },
        },
      },
    }),
    holds: (hash: string | undefined) => ({
      remoteConfigStatus: { lastRemoteConfigHash: hash, status: 'RemoteConfigStatuses_APPLIED' },
    }),
    skip: () => {
      sequence += 1;
    },
  };
}

export function attribute(key: string, value: string) {
  return { key, value: { stringValue: value } };
}

function resource(service: string) {
  return { attributes: [attribute('service.name', service), attribute('service.instance.id', `${service}-1`)] };
}

export function inFuture(ms: number, now = Date.now()): string {
  return new Date(now + ms).toISOString();
}
