import { mkdtempSync, rmSync } from 'node:fs';
import http, { type ClientRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBreaker, type NeutralWire } from '@switchgear/breaker';
import { describe, expect, test } from 'vitest';
import { installHttpGuard } from '../../../src/adapters/http/index.ts';
import { guardHttp } from '../support/guard-http.ts';
import { AWKWARD_REQUESTS } from './awkward-requests.ts';
import { AwkwardServer } from './awkward-server.ts';
import { EventLog } from './event-log.ts';

const GUARDS = {
  'a closed breaker': [],
  'a closed breaker with wires that keep bodies': [
    {
      name: 'keeper',
      kind: 'cache',
      requestBytes: () => 1_000_000,
      responseBytes: () => 1_000_000,
      learnResponse: () => {},
      take: () => {
        throw new Error('not asked');
      },
    } as NeutralWire,
  ],
} as const satisfies Record<string, readonly NeutralWire[]>;

/** How each ends for the breaker; by default it is one good call. */
const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  'a reset before the head': ['failure'],
  'the connection closed before the head': ['failure'],
  'the connection closed within the head': ['failure'],
  'what is no HTTP': ['failure'],
  'a port where nobody listens': ['failure'],
  'a host that is not there': ['failure'],
  'a header that cannot be sent': ['cancelled'],
  'one connection for three': ['success', 'success', 'success'],
  'destroyed at once': ['cancelled'],
  'destroyed with an error': ['cancelled'],
  'aborted as in former times': ['cancelled'],
  'a signal that is aborted': ['cancelled'],
  'a signal that was aborted before': [],
  'a timeout that its caller acts upon': ['failure'],
  'destroyed in the queue of its agent': ['success', 'cancelled'],
  'an agent that is destroyed': ['failure'],
};

describe.each(Object.entries(GUARDS))('under %s nothing changes for', (_name, neutralWires) => {
  test.each(Object.keys(AWKWARD_REQUESTS))('%s', async (name) => {
    const bare = await run(name);
    let guarded = 0;
    const breaker = createBreaker('all', { trip: { consecutive: 1_000 }, telemetry: 'off', neutralWires });
    guardHttp(() => {
      guarded++;
      return breaker;
    });
    const seen = await run(name);
    const { calls } = breaker.stats();
    await breaker.close();
    expect(seen).toEqual(bare);
    const outcomes = Object.entries(calls).flatMap(([outcome, count]) => Array<string>(count).fill(outcome));
    expect(outcomes).toEqual(OUTCOMES[name] ?? ['success']);
    expect(guarded).toBe(outcomes.length);
  });
});

async function run(name: string) {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-http-'));
  const socketPath = join(folder, 'server.sock');
  const gone = await AwkwardServer.open();
  const deadPort = gone.port;
  await gone.close();
  const servers = [await AwkwardServer.open(), await AwkwardServer.open(socketPath)] as const;
  const log = new EventLog();
  await AWKWARD_REQUESTS[name]!({ port: servers[0].port, deadPort, socketPath }, log);
  await Promise.all(servers.map((server) => server.close()));
  rmSync(folder, { recursive: true });
  // A port differs from run to run.
  const bytes = servers.flatMap(({ received }) => received).map((all) => all.replaceAll(/127\.0\.0\.1:\d+/g, 'here'));
  return { events: log.lines, bytes: bytes.filter((all) => all !== '') };
}

test('nothing more is to be seen on a request than before', async () => {
  const server = await AwkwardServer.open();
  const breaker = createBreaker('seen', { telemetry: 'off' });
  const bare = await look();
  const takeOff = installHttpGuard(breaker);
  const guarded = await look();
  takeOff();
  await breaker.close();
  await server.close();
  expect(guarded).toEqual(bare);

  async function look() {
    const request = http.get({ host: '127.0.0.1', port: server.port, path: '/plain' });
    const before = seenOf(request);
    await new Promise((resolve) => request.on('response', (response) => response.resume().on('end', resolve)));
    return [before, seenOf(request)];
  }

  function seenOf(request: ClientRequest) {
    return [
      Object.keys(request),
      request.eventNames(),
      request.listenerCount('response'),
      request.listenerCount('error'),
    ];
  }
});
