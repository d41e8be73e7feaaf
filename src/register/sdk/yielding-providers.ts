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
  readonly #provider: ProxyTracerProvider;
  readonly #key: Parameters<TracerProvider['getTracer']>;
  #delegate: TracerProvider | undefined = undefined;
  #tracer: Tracer | undefined = undefined;

  constructor(provider: ProxyTracerProvider, key: Parameters<TracerProvider['getTracer']>) {
    this.#provider = provider;
    this.#key = key;
  }

  startSpan(...args: [name: string, options?: SpanOptions, context?: Parameters<Tracer['startSpan']>[2]]): Span {
    return this.#current().startSpan(...args);
  }

  startActiveSpan(...args: unknown[]): never {
    const tracer = this.#current();
    return Reflect.apply(tracer.startActiveSpan, tracer, args) as never;
  }

  #current(): Tracer {
    const delegate = this.#provider.getDelegate();
    if (this.#tracer === undefined || delegate !== this.#delegate) {
      this.#delegate = delegate;
      this.#tracer = delegate.getTracer(...this.#key);
    }
    return this.#tracer;
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
    let delegate: LoggerProvider | undefined;
    let logger: Logger | undefined;
    const current = (): Logger => {
      if (logger === undefined || delegate !== this.#delegate) {
        delegate = this.#delegate;
        logger = delegate.getLogger(...key);
      }
      return logger;
    };
    return {
      emit: (record) => current().emit(record),
      enabled: (options) => current().enabled(options),
    };
  }
}
