import {
  type Logger,
  type LoggerProvider,
  ProxyTracerProvider,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';

/**
 * The tracer provider that register has registered: tracers that the service takes from it go over to the service's own SDK once that is
 * there, as those of the API do.
 */
export class YieldingTracerProvider extends ProxyTracerProvider {
  constructor(provider: TracerProvider) {
    super();
    this.setDelegate(provider);
  }

  override getTracer(...key: Parameters<TracerProvider['getTracer']>): Tracer {
    return new YieldingTracer(this, key);
  }
}

class YieldingTracer implements Tracer {
  readonly #current: () => Tracer;

  constructor(provider: ProxyTracerProvider, key: Parameters<TracerProvider['getTracer']>) {
    this.#current = ofDelegate(provider, (delegate) => delegate.getTracer(...key));
  }

  startSpan(...args: [name: string, options?: SpanOptions, context?: Parameters<Tracer['startSpan']>[2]]): Span {
    return this.#current().startSpan(...args);
  }

  startActiveSpan(...args: unknown[]): never {
    const tracer = this.#current();
    return Reflect.apply(tracer.startActiveSpan, tracer, args) as never;
  }
}

/** The same for loggers. */
export class YieldingLoggerProvider implements LoggerProvider {
  #delegate: LoggerProvider;

  constructor(provider: LoggerProvider) {
    this.#delegate = provider;
  }

  getDelegate(): LoggerProvider {
    return this.#delegate;
  }

  setDelegate(provider: LoggerProvider): void {
    this.#delegate = provider;
  }

  getLogger(...key: Parameters<LoggerProvider['getLogger']>): Logger {
    const current = ofDelegate(this, (delegate) => delegate.getLogger(...key));
    return {
      emit: (record) => current().emit(record),
      enabled: (options) => current().enabled(options),
    };
  }
}

/** What the provider's delegate of this moment makes, made once for each delegate. */
function ofDelegate<Delegate, Made>(
  provider: { getDelegate(): Delegate },
  make: (delegate: Delegate) => Made,
): () => Made {
  let last: { readonly delegate: Delegate; readonly made: Made } | undefined;
  return () => {
    const delegate = provider.getDelegate();
    if (last?.delegate !== delegate) last = { delegate, made: make(delegate) };
    return last.made;
  };
}
