import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';

type ExporterClass = { readonly prototype: { startServer?: (...args: unknown[]) => unknown; _port?: unknown } };
type Listener = (port: number) => void;

/** The module that `watchServiceExporter` must see as it is loaded. */
export const WATCHED_EXPORTER = '@opentelemetry/exporter-prometheus';

/** Tells `listener` the port that a Prometheus endpoint of the service's own SDK is about to take. */
export function watchServiceExporter(version: string, listener: Listener): void {
  watchStart(PrometheusExporter as unknown as ExporterClass, listener);
  new ServiceExporterHook('@switchgear/register', version, { listener });
}

class ServiceExporterHook extends InstrumentationBase<{ listener: Listener; enabled?: boolean }> {
  protected override init(): InstrumentationNodeModuleDefinition[] {
    return [
      new InstrumentationNodeModuleDefinition(
        WATCHED_EXPORTER,
        ['*'],
        (exports: { readonly PrometheusExporter?: ExporterClass }) => {
          if (exports.PrometheusExporter) watchStart(exports.PrometheusExporter, this.getConfig().listener);
          return exports;
        },
      ),
    ];
  }
}

const watched = new WeakSet<object>();

function watchStart({ prototype }: ExporterClass, listener: Listener): void {
  const { startServer } = prototype;
  if (typeof startServer !== 'function' || watched.has(prototype)) return;
  watched.add(prototype);
  prototype.startServer = function (this: ExporterClass['prototype'], ...args: unknown[]): unknown {
    if (typeof this._port === 'number') listener(this._port);
    return Reflect.apply(startServer, this, args);
  };
}
