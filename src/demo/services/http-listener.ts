import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** The JSON body; `undefined` where there is none. */
  readonly body: unknown;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

const MAX_BODY_BYTES = 64 * 1024;
const REOPEN_ATTEMPTS = 50;

/** A JSON server on loopback that can be closed and opened again on the same port, as a crashed service would be. */
export class HttpListener {
  readonly #answer: (request: HttpRequest) => Promise<HttpAnswer>;
  #server: Server | undefined;
  #port = 0;

  constructor(answer: (request: HttpRequest) => Promise<HttpAnswer>) {
    this.#answer = answer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Takes a free port at first, the same one afterwards. */
  async open(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#server = await this.#listen();
        this.#port = (this.#server.address() as AddressInfo).port;
        return;
      } catch (error) {
        // A connection on its way out of this machine may hold the port for a moment.
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt >= REOPEN_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Cuts every connection, also those with a request in flight. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #listen(): Promise<Server> {
    const server = createServer(async (request, response) => {
      const { status, body } = await this.#handle(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    // Longer than any client here keeps a connection, so that none is cut while it is being used again.
    server.keepAliveTimeout = 30_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    return server;
  }

  async #handle(request: IncomingMessage): Promise<HttpAnswer> {
    try {
      const body = await readJson(request);
      return await this.#answer({ method: request.method ?? 'GET', path: request.url ?? '/', body });
    } catch (error) {
      return { status: 400, body: { error: (error as Error).message } };
    }
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`The body must be at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return size === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
