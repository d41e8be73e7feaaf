import { createNoopMeter, ProxyTracerProvider } from '@opentelemetry/api';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { YieldingHttp } from './yielding-http.ts';

/**
 * Has instrumentations tell nothing any more, because the service has its own. They are not disabled: the service's own ones may be on the
 * same functions by now, and would be taken off in their place.
 */
export function makeWay(instrumentations: readonly Instrumentation[]): void {
  for (const instrumentation of instrumentations) {
    // Listens to channels, and patches nothing.
    if (instrumentation instanceof UndiciInstrumentation) instrumentation.disable();
    if (instrumentation instanceof YieldingHttp) instrumentation.makeWay();
    // One without a delegate does nothing.
    instrumentation.setTracerProvider(new ProxyTracerProvider());
    instrumentation.setMeterProvider({ getMeter: () => createNoopMeter() });
  }
}
