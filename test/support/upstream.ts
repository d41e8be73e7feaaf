import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `refusing`: nothing listens on its port. `hanging`: it reads, and never answers until it is well again. */
export type UpstreamMood = 'well' | 'failing' | 'resetting' | 'hanging' | 'refusing';

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A real HTTP upstream, on one port for as long as the test lasts, that fails in the way a test asks for. */
export class Upstream {
  /** Requests that were answered well. */
  readonly answered: UpstreamRequest[] = [];
  #server: Server;
  #port = 0;
  #mood: UpstreamMood = 'well';
  /** What hangs, to be answered once it is well again. */
  #hanging: (() => void)[] = [];

  private constructor() {
    this.#server = this.#createServer();
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    await upstream.#listen();
    return upstream;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async turn(mood: UpstreamMood): Promise<void> {
    const before = this.#mood;
    this.#mood = mood;
    if (mood === 'well') for (const answer of this.#hanging.splice(0)) answer();
    if (mood === 'refusing') await this.#close();
    else if (before === 'refusing') await this.#listen();
  }

  async stop(): Promise<void> {
    if (this.#mood !== 'refusing') await this.#close();
  }

  #createServer(): Server {
    return createServer(async (request, response) => {
      if (this.#mood === 'resetting') {
        request.socket.resetAndDestroy();
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const { method = '', url: path = '', headers } = request;
      const answer = () => {
        this.answered.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(200, { 'content-type': 'text/plain' }).end(`upstream ${method} ${path}`);
      };
      if (this.#mood === 'hanging') this.#hanging.push(answer);
      else if (this.#mood === 'failing') response.writeHead(503).end('upstream is unwell');
      else answer();
    });
  }

  async #listen(): Promise<void> {
    this.#server = this.#createServer();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
