import type { OutgoingCall } from '../outgoing/outgoing-call.ts';

/** A call, as a neutral wire has it for its input. */
export interface GrpcCall extends OutgoingCall {
  /** The request; undefined where it is a stream. */
  readonly message: unknown;
}

const SCHEME = /^(?:dns|ipv4|ipv6|ip|xds|passthrough):(?:\/\/[^/]*\/)?/i;

/** A call before it is made. Where it goes is looked up only where somebody asks. */
export class OutgoingGrpcCall implements OutgoingCall {
  readonly client = 'grpc';
  readonly method: string;
  readonly path: string;
  readonly #target: () => string;
  #host: string | undefined = undefined;

  /** @param target the address of the client, such as `dns:stock:50051` */
  constructor(path: string, target: () => string) {
    this.path = path;
    this.method = path.slice(path.lastIndexOf('/') + 1);
    this.#target = target;
  }

  get host(): string {
    this.#host ??= hostOf(this.#target());
    return this.#host;
  }

  get origin(): string {
    return `grpc://${this.host}`;
  }

  asInput(message: unknown): GrpcCall {
    const { client, method, origin, host, path } = this;
    return { client, method, origin, host, path, message };
  }
}

/** The first address of several. */
function hostOf(target: string): string {
  return target.replace(SCHEME, '').split(',')[0] ?? '';
}
