/** A call on its way out of the process, as far as it is known before it is made. */
export interface OutgoingCall {
  /** What makes it: `fetch`, `undici`, `http`, `axios`, `grpc`, `pg`, `ioredis`, or a word of your own. */
  readonly client: string;
  /** The HTTP method in capitals, the name of the gRPC method, the SQL or Redis command in capitals. */
  readonly method: string;
  /**
   * Where it goes, without path and credentials: `https://api.example.com`, `grpc://stock:50051`, `postgres://db:5432/shop`,
   * `redis://cache:6379`.
   */
  readonly origin: string;
  /** Host and port of the origin; without the port where it is the scheme's own, so `api.example.com` and `stock:50051`. */
  readonly host: string;
  /** The path without its query; of gRPC `/package.Service/Method`; empty where the protocol has none. */
  readonly path: string;
}
