import { once } from 'node:events';
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import type { EventLog } from './event-log.ts';

export interface Place {
  readonly port: number;
  /** Nobody listens there. */
  readonly deadPort: number;
  readonly socketPath: string;
}

type Run = (place: Place, log: EventLog) => Promise<void>;

/** A request, with what its caller does and how it is known to be over. */
export const AWKWARD_REQUESTS: Readonly<Record<string, Run>> = {
  'a plain one': simple({ path: '/plain?a=1' }),
  'one by its callback': (place, log) => {
    const request = http.get({ host: '127.0.0.1', port: place.port, path: '/plain' }, (response) => log.read(response));
    return ended(log.watch(request));
  },
  'one by URL and options': async (place, log) => {
    const request = http.request(`http://127.0.0.1:${place.port}/plain`, {
      method: 'DELETE',
      headers: { 'X-Case': 'Kept' },
    });
    request.end();
    await answered(request, log);
  },
  'one whose connection ends the body': simple({ path: '/close' }),
  'chunks and trailers': simple({ path: '/chunked' }),
  'no content': simple({ path: '/empty' }),
  'not modified': simple({ path: '/same' }),
  'the head alone': simple({ path: '/plain', method: 'HEAD' }),
  'a failure of the other side': simple({ path: '/unwell' }),
  'early hints and two cookies': simple({ path: '/hints' }),
  'headers as an array': simple({
    path: '/plain',
    headers: ['Host', 'other.example', 'X-A', '1', 'X-A', '2'] as never,
  }),
  'a body in parts': upload({ path: '/plain', method: 'POST' }, ['one', 'two', 'three']),
  'a body of a known length': upload({ path: '/plain', method: 'PUT', headers: { 'content-length': 6 } }, [
    'one',
    'two',
  ]),
  'a body through a pipe, beyond what is buffered': (place, log) => {
    const request = open(place, { path: '/plain', method: 'POST' });
    pipeline(Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(4_096, 'x'))), request, (error) =>
      log.note(`pipeline ${error?.message}`),
    );
    return answered(request, log);
  },
  'a body that waits to be asked for': async (place, log) => {
    const request = open(place, { path: '/continue', method: 'POST', headers: { expect: '100-continue' } });
    request.on('continue', () => request.end('asked'));
    await answered(request, log);
  },
  'an upgrade': async (place, log) => {
    const request = log.watch(open(place, { path: '/upgrade', headers: { connection: 'Upgrade', upgrade: 'echo' } }));
    request.end();
    const [response, socket, head] = await once(request, 'upgrade');
    log.note(`upgrade ${response.statusCode} ${head} ${JSON.stringify(response.headers)}`);
    socket.write('echo');
    let echo = '';
    for await (const chunk of socket) echo += chunk;
    log.note(`echo ${echo}`);
  },
  'an upgrade that nobody listens for': (place, log) => {
    const request = open(place, { path: '/upgrade', headers: { connection: 'Upgrade', upgrade: 'echo' } });
    request.end();
    return ended(log.watch(request));
  },
  'an upgrade that is declined': simple({ path: '/declined', headers: { connection: 'Upgrade', upgrade: 'echo' } }),
  'a tunnel': async (place, log) => {
    const request = log.watch(open(place, { path: 'tunnel:1', method: 'CONNECT' }));
    request.end();
    const [response, socket] = await once(request, 'connect');
    log.note(`connect ${response.statusCode}`);
    socket.end('through');
    let echo = '';
    for await (const chunk of socket) echo += chunk;
    log.note(`echo ${echo}`);
  },
  'a response that nobody listens for': async (place, log) => {
    const request = open(place, { path: '/plain' });
    request.end();
    await ended(log.watch(request));
  },
  'a response that is let go': async (place, log) => {
    const request = log.watch(open(place, { path: '/chunked' }));
    request.end();
    const [response] = await once(request, 'response');
    response.destroy();
    await over(request);
  },
  'a reset before the head': failing({ path: '/reset' }),
  'the connection closed before the head': failing({ path: '/hang-up' }),
  'the connection closed within the head': failing({ path: '/half-head' }),
  'the connection closed within the body': simple({ path: '/half-body' }),
  'what is no HTTP': failing({ path: '/no-http' }),
  'a response too many': simple({ path: '/twice' }),
  'a port where nobody listens': (place, log) => {
    const request = http.get({ host: '127.0.0.1', port: place.deadPort });
    return ended(log.watch(request));
  },
  'a host that is not there': (_place, log) => {
    const request = http.get({ host: 'nowhere.invalid', lookup: notFound as never });
    return ended(log.watch(request));
  },
  'a header that cannot be sent': async (place, log) => {
    try {
      http.get({ host: '127.0.0.1', port: place.port, headers: { host: ['a', 'b'] } as never });
      log.note('not thrown');
    } catch (error) {
      log.note(`thrown ${(error as NodeJS.ErrnoException).code}`);
    }
  },
  'no agent': simple({ path: '/plain', agent: false }),
  'a connection of its own': (place, log) =>
    simple({ path: '/plain', createConnection: () => connect(place.port, '127.0.0.1') })(place, log),
  'a connection of its own that comes later': (place, log) =>
    simple({
      path: '/plain',
      createConnection: (_options, done) => {
        setImmediate(() => done(null, connect(place.port, '127.0.0.1')));
        return undefined as never;
      },
    })(place, log),
  'a socket in the file system': (place, log) =>
    simple({ path: '/plain', socketPath: place.socketPath, host: undefined, port: undefined } as never)(place, log),
  'one connection for three': async (place, log) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const requests = ['/plain', '/chunked', '/empty'].map((path) => {
      const request = open(place, { path, agent });
      request.end();
      return request;
    });
    await Promise.all(requests.map((request, index) => answered(request, log, `request ${index}`)));
    log.note(`reused ${requests.map((request) => request.reusedSocket)}`);
    agent.destroy();
  },
  'destroyed at once': async (place, log) => {
    const request = log.watch(open(place, { path: '/plain' }));
    request.destroy();
    await over(request);
  },
  'destroyed with an error': async (place, log) => {
    const request = log.watch(open(place, { path: '/silent' }));
    request.on('finish', () => setImmediate(() => request.destroy(new Error('enough'))));
    request.end();
    await over(request);
  },
  'aborted as in former times': async (place, log) => {
    const request = log.watch(open(place, { path: '/silent' }));
    request.on('finish', () => setImmediate(() => request.abort()));
    request.end();
    await over(request);
  },
  'a signal that is aborted': async (place, log) => {
    const controller = new AbortController();
    const request = log.watch(open(place, { path: '/silent', signal: controller.signal }));
    request.on('finish', () => setImmediate(() => controller.abort()));
    request.end();
    await over(request);
  },
  'a signal that was aborted before': async (place, log) => {
    const request = log.watch(open(place, { path: '/plain', signal: AbortSignal.abort() }));
    request.end();
    await over(request);
  },
  'a timeout that its caller acts upon': async (place, log) => {
    const request = log.watch(open(place, { path: '/silent', timeout: 30 }));
    request.on('timeout', () => request.destroy());
    request.end();
    await over(request);
  },
  'destroyed in the queue of its agent': async (place, log) => {
    const agent = new http.Agent({ maxSockets: 1 });
    const first = log.watch(open(place, { path: '/chunked', agent }), 'first');
    const second = log.watch(open(place, { path: '/plain', agent }), 'second');
    first.on('response', (response) => log.read(response));
    first.end();
    second.destroy(new Error('not any more'));
    await Promise.all([over(first), over(second)]);
  },
  'an agent that is destroyed': async (place, log) => {
    const agent = new http.Agent();
    const request = log.watch(open(place, { path: '/silent', agent }));
    request.on('finish', () => setImmediate(() => agent.destroy()));
    request.end();
    await over(request);
  },
};

function simple(options: RequestOptions): Run {
  return async (place, log) => {
    const request = open(place, options);
    request.end();
    await answered(request, log);
  };
}

function upload(options: RequestOptions, parts: readonly string[]): Run {
  return async (place, log) => {
    const request = open(place, options);
    for (const part of parts) log.note(`write ${request.write(part, () => log.note(`written ${part}`))}`);
    request.end(() => log.note('end'));
    await answered(request, log);
  };
}

function failing(options: RequestOptions): Run {
  return async (place, log) => {
    const request = open(place, options);
    request.end();
    await ended(log.watch(request));
  };
}

function open(place: Place, options: RequestOptions): ClientRequest {
  return http.request({ host: '127.0.0.1', port: place.port, ...options });
}

async function answered(request: ClientRequest, log: EventLog, name?: string): Promise<void> {
  log.watch(request, name);
  request.on('response', (response: IncomingMessage) => log.read(response));
  await over(request);
}

function ended(request: ClientRequest): Promise<void> {
  return over(request);
}

/** The request is over, and what comes after that has come. */
async function over(request: ClientRequest): Promise<void> {
  await new Promise((resolve) => request.once('close', resolve));
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function notFound(host: string, _options: unknown, done: (error: Error) => void): void {
  setImmediate(() => done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })));
}
