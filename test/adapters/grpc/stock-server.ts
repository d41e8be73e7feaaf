import { join } from 'node:path';
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Item {
  readonly name: string;
}
export interface Amount {
  readonly count: number;
}
type Answer = (error: ServiceError | null, amount?: Amount) => void;

/** As the package makes it of the file. */
export interface StockClient extends Client {
  get(item: Item, answer: Answer): ClientUnaryCall;
  get(item: Item, metadata: Metadata, options: object, answer: Answer): ClientUnaryCall;
  sum(answer: Answer): ClientWritableStream<Item>;
  watch(item: Item): ClientReadableStream<Amount>;
  talk(): ClientDuplexStream<Item, Amount>;
}

const shop = loadPackageDefinition(loadSync(join(import.meta.dirname, 'stock.proto'))).shop as unknown as {
  Stock: ServiceClientConstructor;
};

export const StockClient = shop.Stock as unknown as new (...args: ConstructorParameters<typeof Client>) => StockClient;

/** A real server. An item's name says what becomes of its call. */
export class StockServer {
  #server = new Server();
  port = 0;
  /** Calls that it has received. */
  received = 0;
  /** The items of calls that were given up. */
  readonly cancelled = new Set<string>();
  /** What the metadata of the last call held. */
  lastTag: unknown;

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  static async start(): Promise<StockServer> {
    const server = new StockServer();
    await server.restart();
    return server;
  }

  /** On the same port as before. */
  async restart(): Promise<void> {
    this.#server = new Server();
    this.#server.addService(shop.Stock.service, {
      get: (call: ServerUnaryCall<Item, Amount>, answer: sendUnaryData<Amount>) => this.#get(call, answer),
      sum: (call: ServerReadableStream<Item, Amount>, answer: sendUnaryData<Amount>) => {
        let count = 0;
        call.on('data', () => {
          count += 1;
        });
        call.on('end', () => answer(null, { count }));
      },
      watch: (call: ServerWritableStream<Item, Amount>) => {
        for (const count of [1, 2, 3]) call.write({ count });
        if (call.request.name === 'broken') call.emit('error', failure(14, 'gone'));
        else call.end();
      },
      talk: (call: ServerDuplexStream<Item, Amount>) => {
        call.on('data', ({ name }: Item) => call.write({ count: name.length }));
        call.on('end', () => call.end());
      },
    });
    this.port = await new Promise<number>((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      this.#server.bindAsync(this.address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #get(call: ServerUnaryCall<Item, Amount>, answer: sendUnaryData<Amount>): void {
    this.received += 1;
    this.lastTag = call.metadata.get('tag')[0];
    const { name } = call.request;
    call.on('cancelled', () => this.cancelled.add(name));
    const code = /^fails with (\d+)$/.exec(name)?.[1];
    if (code !== undefined) answer(failure(Number(code), 'as it was told'));
    else if (!name.startsWith('never')) answer(null, { count: name.length }, trailer());
  }
}

function failure(code: number, details: string): Partial<ServiceError> & Error {
  return Object.assign(new Error(details), { code, details, metadata: trailer() });
}

function trailer(): Metadata {
  const metadata = new Metadata();
  metadata.set('trailer', 'there');
  return metadata;
}
