import { createServer } from 'node:net';
import type { ControlPlaneHandle } from './control-plane-keeper.ts';
import { SERVICES, type ServiceMessage, type ServiceName } from './messages.ts';
import { ServiceProcess } from './service-process.ts';

export interface ServicesStart {
  readonly controlPlane: ControlPlaneHandle;
  readonly metricsPorts: readonly [number, number, number];
  readonly onMessage: (service: ServiceName, message: ServiceMessage) => void;
  readonly onLine: (service: ServiceName, line: string) => void;
  readonly onDeath: (service: ServiceName, how: string) => void;
  /** A Prometheus port was taken. */
  readonly onPortTaken: (service: ServiceName, port: number) => void;
}

export type Services = Readonly<Record<ServiceName, ServiceProcess>>;

/** Starts payments and inventory, then the shop, which needs their addresses. Where one fails, none stays. */
export async function startServices(start: ServicesStart): Promise<Services> {
  const started = await Promise.allSettled([startOne(start, 'payments', {}), startOne(start, 'inventory', {})]);
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  try {
    const [payments, inventory] = started.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    }) as [ServiceProcess, ServiceProcess];
    const shop = await startOne(start, 'shop', {
      DEMO_PAYMENTS_URL: payments.url,
      DEMO_INVENTORY_URL: inventory.url,
    });
    return { shop, payments, inventory };
  } catch (error) {
    await Promise.all(running.map((service) => service.stop()));
    throw error;
  }
}

async function startOne(
  start: ServicesStart,
  name: ServiceName,
  env: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const wanted = start.metricsPorts[SERVICES.indexOf(name)]!;
  const port = wanted === 0 || (await isFree(wanted)) ? wanted : 0;
  if (port !== wanted) start.onPortTaken(name, wanted);
  return ServiceProcess.start({
    name,
    env: {
      OTEL_SERVICE_NAME: name,
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=0.1.0,deployment.environment.name=demo',
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
      OTEL_BLRP_SCHEDULE_DELAY: '500',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
      SWITCHGEAR_URL: start.controlPlane.url,
      SWITCHGEAR_TOKEN: start.controlPlane.agentToken,
      ...env,
    },
    onMessage: (message) => start.onMessage(name, message),
    onLine: (line) => start.onLine(name, line),
    onDeath: (how) => start.onDeath(name, how),
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return listening;
}
