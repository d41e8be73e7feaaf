import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server that is told by a test how to answer. */
export class ToldUpstream {
  /** How it answers; by default with the method, the path and the body of the request. */
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void = (request, response, body) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method: request.method, path: request.url, body }));
  };
  requests = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      this.requests++;
      let body = '';
      request.on('error', () => {});
      for await (const chunk of request) body += chunk;
      this.answer(request, response, body);
    });
  }

  /** One that is closed with the test. */
  static async open(port = 0): Promise<ToldUpstream> {
    const upstream = new ToldUpstream();
    onTestFinished(() => upstream.close());
    await new Promise<void>((resolve) => upstream.#server.listen(port, '127.0.0.1', resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that it has. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  /** It says that it is unwell. */
  fail(status = 503): void {
    this.answer = (_request, response) => {
      response.statusCode = status;
      response.end('unwell');
    };
  }

  /** It takes requests and says nothing. */
  hang(): void {
    this.answer = () => {};
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}
