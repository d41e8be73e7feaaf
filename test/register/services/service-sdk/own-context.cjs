const { AsyncLocalStorage } = require('node:async_hooks');

/** A context manager that is none of OpenTelemetry's. */
exports.ownContextManager = ({ ROOT_CONTEXT }) => {
  const storage = new AsyncLocalStorage();
  return {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (context, run, self, ...args) => storage.run(context, () => run.apply(self, args)),
    bind: (context, target) =>
      typeof target === 'function'
        ? function (...args) {
            return storage.run(context, () => target.apply(this, args));
          }
        : target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  };
};

/** A propagator that leaves its own mark beside the trace. */
exports.ownPropagator = ({ trace }) => ({
  inject(context, carrier, setter) {
    const { traceId, spanId } = trace.getSpanContext(context) ?? {};
    if (traceId) setter.set(carrier, 'traceparent', `00-${traceId}-${spanId}-01`);
    setter.set(carrier, 'x-own-propagator', 'yes');
  },
  extract(context, carrier, getter) {
    const [, traceId, spanId] = /^00-(\w{32})-(\w{16})-01$/.exec(getter.get(carrier, 'traceparent') ?? '') ?? [];
    return traceId ? trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true }) : context;
  },
  fields: () => ['traceparent', 'x-own-propagator'],
});
