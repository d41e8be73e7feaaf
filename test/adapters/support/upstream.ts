import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

export type Mood = 'well' | 'failing' | 'hanging';

/** A request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real server whose mood a test chooses, and which remembers what came. */
export class Upstream {
  readonly arrived: Arrived[] = [];
  mood: Mood = 'well';
  port = 0;
  /** Requests whose bodies may not have come as a whole. */
  begun = 0;
  /** Requests whose clients went away before they had an answer. */
  left = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** One that is stopped with the test. */
  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    await upstream.listen();
    onTestFinished(() => upstream.refuse());
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens on the port that it had before. */
  async listen(): Promise<void> {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Takes no connection any more, and ends those it has. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The paths that came. */
  paths(): string[] {
    return this.arrived.map(({ url }) => url);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.begun += 1;
    response.on('close', () => {
      if (!response.writableFinished) this.left += 1;
    });
    const answer = ANSWERS[new URL(url, 'http://upstream').pathname] ?? echo;
    if (this.mood === 'hanging') return;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // Its client has left.
      return;
    }
    const arrived = { method, url, headers, body: Buffer.concat(chunks).toString() };
    this.arrived.push(arrived);
    if (this.mood === 'failing') response.writeHead(503, 'Out Of Order', { 'x-why': 'mood' }).end('unwell');
    else answer(response, arrived);
  }
}

type Answer = (response: ServerResponse, arrived: Arrived) => void;

const echo: Answer = (response, { method, url, body }) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'x-of': 'upstream' });
  response.end(`${method} ${url} ${body}`);
};

const ANSWERS: Readonly<Record<string, Answer>> = {
  '/created': (response) => response.writeHead(201, 'Made', { location: '/there' }).end('made'),
  '/empty': (response) => response.writeHead(204).end(),
  '/unmodified': (response) => response.writeHead(304, { etag: '"1"' }).end(),
  '/missing': (response) => response.writeHead(404).end('not there'),
  '/unwell': (response) => response.writeHead(503, { 'retry-after': '1' }).end('unwell'),
  '/moved': (response) => response.writeHead(302, { location: '/there' }).end('moved'),
  '/aged': (response) => response.writeHead(200, { age: '10' }).end('aged'),
  '/no-store': (response) => response.writeHead(200, { 'cache-control': 'max-age=60, No-Store' }).end('not kept'),
  '/private': (response) => response.writeHead(200, { 'cache-control': 'private="x-a"' }).end('not kept'),
  '/vary': (response) => response.writeHead(200, { vary: 'Accept-Encoding, Accept-Language' }).end('varied'),
  '/vary-all': (response) => response.writeHead(200, { vary: '*' }).end('varied'),
  '/part': (response) => response.writeHead(206, { 'content-range': 'bytes 0-0/9' }).end('p'),
  '/moved-for-good': (response) => response.writeHead(308, { location: '/there' }).end(),
  '/cookies': (response) => response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end('cookies'),
  '/gzip': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('decoded')),
  '/hints': (response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.end('hinted');
  },
  '/chunked': (response) => {
    response.write('one ');
    setImmediate(() => {
      response.write('two ');
      response.end('three');
    });
  },
  '/slow-body': (response) => {
    response.write('first, ');
    setTimeout(() => response.end('then last'), 120);
  },
  '/large': (response) => response.end('x'.repeat(1_000_000)),
  '/large-chunked': (response) => {
    for (let chunk = 0; chunk < 200; chunk += 1) response.write('x'.repeat(1_000));
    response.end();
  },
  '/breaking': (response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('the beginning', () => response.destroy());
  },
  '/garbage': (response) => {
    response.socket?.end('this is no HTTP\r\n\r\n');
  },
  '/cut': (response) => {
    response.destroy();
  },
};
