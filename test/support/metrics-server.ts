import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A target for Prometheus whose page a test writes. */
export interface MetricsServer {
  /** `host:port`. */
  readonly target: string;
  /** Replaces the page, in Prometheus' text format. */
  show(page: string): void;
  stop(): Promise<void>;
}

export function startMetricsServer(firstPage: string): Promise<MetricsServer> {
  let page = firstPage;
  const server = createServer((request, response) => {
    const found = request.url === '/metrics';
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' }).end(found ? page : '');
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () =>
      resolve({
        target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        show: (next) => {
          page = next;
        },
        stop: () => {
          server.closeAllConnections();
          return new Promise((closed) => server.close(() => closed()));
        },
      }),
    );
  });
}
