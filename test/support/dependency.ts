import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Mood = 'well' | 'failing' | 'hanging';

/** A real HTTP dependency whose mood a test chooses. Each `?id=` that got a good answer is remembered. */
export interface Dependency {
  readonly url: string;
  /** Ids of `path` that were answered well, with how often. */
  served(path: string): ReadonlyMap<string, number>;
  turn(path: string, mood: Mood): void;
  stop(): Promise<void>;
}

export function startDependency(): Promise<Dependency> {
  const moods = new Map<string, Mood>();
  const served = new Map<string, Map<string, number>>();
  const servedOf = (path: string) => {
    const ids = served.get(path) ?? new Map<string, number>();
    served.set(path, ids);
    return ids;
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://dependency');
    const mood = moods.get(pathname) ?? 'well';
    request.resume();
    if (mood === 'hanging') return;
    if (mood === 'failing') {
      response.writeHead(503).end();
      return;
    }
    const id = searchParams.get('id') ?? '';
    const ids = servedOf(pathname);
    ids.set(id, (ids.get(id) ?? 0) + 1);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}');
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () =>
      resolve({
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        served: servedOf,
        turn: (path, mood) => moods.set(path, mood),
        stop: () => {
          server.closeAllConnections();
          return new Promise((closed) => server.close(() => closed()));
        },
      }),
    );
  });
}
