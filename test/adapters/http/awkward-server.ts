import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What it does with a request, by the path; `head` is all that came before the body. */
const ANSWERS: Readonly<Record<string, (socket: Socket, head: string) => void>> = {
  '/plain': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
  '/unwell': (socket) => socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\nunwell'),
  '/close': (socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end'),
  '/chunked': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\none\r\n');
    setImmediate(() => socket.write('3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n'));
  },
  '/empty': (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'),
  '/same': (socket) => socket.write('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'),
  '/hints': (socket) =>
    socket.write(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok',
    ),
  '/continue': (socket) => {
    socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  },
  '/upgrade': (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst');
    socket.on('data', (chunk) => socket.end(chunk));
  },
  '/declined': (socket) => socket.write('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno'),
  '/reset': (socket) => socket.resetAndDestroy(),
  '/hang-up': (socket) => socket.destroy(),
  '/half-head': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-', () => socket.destroy()),
  '/half-body': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => socket.destroy()),
  '/no-http': (socket) => socket.write('220 mail.example.com ESMTP\r\n'),
  '/twice': (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo'),
  '/silent': () => {},
  '/tunnel:1': (socket) => {
    socket.write('HTTP/1.1 200 Connected\r\n\r\n');
    socket.on('data', (chunk) => socket.end(chunk));
  },
};

/** A server on bare sockets, so that it can do what none should, and knows each byte that came. */
export class AwkwardServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What each connection received, in the order they were made. */
  readonly received: string[] = [];

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async open(path?: string): Promise<AwkwardServer> {
    const server = new AwkwardServer();
    if (path) server.#server.listen(path);
    else server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const index = this.received.push('') - 1;
    let head = '';
    let isAnswered = false;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      this.received[index] += text;
      // A new request on the same connection.
      if (isAnswered && /^[A-Z]+ \S+ HTTP/.test(text)) {
        head = '';
        isAnswered = false;
      }
      head += text;
      if (isAnswered || !head.includes('\r\n\r\n')) return;
      isAnswered = true;
      const [, target = ''] = head.split(' ', 2);
      (ANSWERS[`/${target.replace(/^\//, '').split('?')[0]}`] ?? ANSWERS['/plain']!)(socket, head);
    });
  }
}
