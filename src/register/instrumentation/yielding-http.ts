import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';

type Call = (this: unknown, ...args: unknown[]) => unknown;
type MakeCall = (component: string, original: Call) => Call;
interface Makers {
  _incomingRequestFunction: MakeCall;
  _outgoingRequestFunction: MakeCall;
}

/**
 * The instrumentation of node:http, which can be made to do nothing at all: `disable` would take off what the service's own one has
 * put in its place, and where that has put itself around this one, the spans of this one would come between.
 */
export class YieldingHttp extends HttpInstrumentation {
  #hasMadeWay = false;

  constructor() {
    super({ enabled: false });
    const makers = this as unknown as Makers;
    const { _incomingRequestFunction: incoming, _outgoingRequestFunction: outgoing } = makers;
    makers._incomingRequestFunction = (...made) => this.#unlessYielded(incoming.apply(makers, made), made[1]);
    makers._outgoingRequestFunction = (...made) => this.#unlessYielded(outgoing.apply(makers, made), made[1]);
  }

  makeWay(): void {
    this.#hasMadeWay = true;
  }

  #unlessYielded(instrumented: Call, original: Call): Call {
    const hasMadeWay = () => this.#hasMadeWay;
    return function (...args) {
      return Reflect.apply(hasMadeWay() ? original : instrumented, this, args);
    };
  }
}
