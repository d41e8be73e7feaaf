import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { installFetchGuard, installUndiciGuard } from '@switchgear/adapters/fetch';
import { type Breaker, createBreaker, InvalidInputError } from '@switchgear/breaker';
import * as undici from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { Upstream } from '../support/upstream.ts';

const get = { path: '/', method: 'GET' } as const;

/** Calls that have a breaker without a change to who makes them. */
const CALLS: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
  'the global fetch': async (url) => (await fetch(url)).text(),
  'the global fetch with a Request': async (url) => (await fetch(new Request(url))).text(),
  'fetch of undici': async (url) => (await undici.fetch(url)).text(),
  'request of undici': async (url) => (await undici.request(url)).body.text(),
  'stream of undici': async (url) => {
    await undici.stream(url, { method: 'GET' }, () => new PassThrough().resume());
  },
  'an agent of its own': async (url) => {
    const dispatcher = closing(new undici.Agent());
    await (await undici.request(url, { dispatcher })).body.text();
  },
  'a pool of its own': async (url) => (await closing(new undici.Pool(url)).request(get)).body.text(),
  'a client of its own': async (url) => (await closing(new undici.Client(url)).request(get)).body.text(),
  'an agent that was composed': async (url) => {
    const dispatcher = closing(new undici.Agent()).compose(undici.interceptors.redirect({ maxRedirections: 3 }));
    await (await undici.request(url, { dispatcher })).body.text();
  },
  'another global dispatcher': async (url) => {
    const before = undici.getGlobalDispatcher();
    undici.setGlobalDispatcher(closing(new undici.Agent()));
    onTestFinished(() => undici.setGlobalDispatcher(before));
    await (await undici.request(url)).body.text();
    await (await fetch(url)).text();
  },
};

test.each(Object.keys(CALLS))('%s is guarded once while it is installed, and not after', async (name) => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  const uninstall = installBoth(breaker);
  onTestFinished(uninstall);
  await CALLS[name]!(upstream.url);
  const calls = upstream.arrived.length;
  expect(calls).toBeGreaterThan(0);
  expect(breaker.stats().calls.success).toBe(calls);
  breaker.trip();
  await expect(CALLS[name]!(upstream.url)).rejects.toThrow();
  uninstall();
  await CALLS[name]!(upstream.url);
  expect(breaker.stats().calls).toMatchObject({ success: calls, rejected: 1 });
});

test('a rejected global fetch has the code of the breaker', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  onTestFinished(installBoth(breaker));
  breaker.trip();
  await expect(fetch(upstream.url)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  await expect(undici.request(upstream.url)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  await expect(undici.fetch(upstream.url)).rejects.toMatchObject({ cause: { code: 'BREAKER_OPEN' } });
});

test('the same breaker is installed once, and what was there before comes back', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  const { fetch: before } = globalThis;
  const dispatch = undici.Agent.prototype.dispatch;
  const uninstall = installFetchGuard(breaker);
  const uninstallUndici = installUndiciGuard(undici, breaker);
  expect(installFetchGuard(breaker)).toBe(uninstall);
  await (await fetch(upstream.url)).text();
  expect(breaker.stats().calls.success).toBe(1);
  uninstall();
  uninstall();
  uninstallUndici();
  expect(globalThis.fetch).toBe(before);
  expect(undici.Agent.prototype.dispatch).toBe(dispatch);
});

test('two may be installed for different calls, and taken off in any order', async () => {
  const [one, two] = [await Upstream.start(), await Upstream.start()];
  const [first, second] = [breakerFor(one), breakerFor(two)];
  const uninstallFirst = installBoth(({ host }) => (one.url.endsWith(host) ? first : undefined));
  const uninstallSecond = installBoth(({ host }) => (two.url.endsWith(host) ? second : undefined));
  onTestFinished(uninstallSecond);
  onTestFinished(uninstallFirst);
  for (const { url } of [one, two]) {
    await (await fetch(url)).text();
    await (await undici.request(url)).body.text();
  }
  expect([first.stats().calls.success, second.stats().calls.success]).toEqual([2, 2]);
  uninstallFirst();
  for (const { url } of [one, two]) {
    await (await fetch(url)).text();
    await (await undici.request(url)).body.text();
  }
  expect([first.stats().calls.success, second.stats().calls.success]).toEqual([2, 4]);
});

test('calls that are unguarded are left alone, whatever connection they open', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  onTestFinished(installBoth(breaker));
  await unguarded(async () => {
    await (await fetch(upstream.url)).text();
    await (await undici.request(upstream.url)).body.text();
  });
  expect(breaker.stats().calls.success).toBe(0);
  await (await fetch(upstream.url)).text();
  expect(breaker.stats().calls.success).toBe(1);
});

test('a connection that a guarded call opened takes no mark along', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  onTestFinished(installBoth(breaker));
  await (await fetch(upstream.url)).text();
  const { body } = await undici.request(`${upstream.url}/slow-body`);
  const calls: Promise<unknown>[] = [];
  // The second chunk is told in the context of the connection.
  body.on('data', () => calls.push(fetch(upstream.url).then((response) => response.text())));
  await once(body, 'end');
  await Promise.all(calls);
  expect(calls).toHaveLength(2);
  expect(breaker.stats().calls.success).toBe(4);
});

test('the choice is made once for a call', async () => {
  const upstream = await Upstream.start();
  const asked: string[] = [];
  onTestFinished(
    installBoth(({ path }) => {
      asked.push(path);
      return undefined;
    }),
  );
  await (await fetch(`${upstream.url}/a`)).text();
  const dispatcher = closing(new undici.Agent());
  await (await undici.request(`${upstream.url}/b`, { dispatcher })).body.text();
  expect(asked).toEqual(['/a', '/b']);
});

test('a fetch is no call of the undici that it is made by', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  onTestFinished(installBoth(({ client }) => (client === 'undici' ? breaker : undefined)));
  await (await fetch(upstream.url)).text();
  expect(breaker.stats().calls.success).toBe(0);
  await (await undici.request(upstream.url)).body.text();
  expect(breaker.stats().calls.success).toBe(1);
});

test('a copy of undici is guarded from its first request on, once', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  const uninstall = installUndiciGuard(undici, breaker);
  onTestFinished(uninstall);
  expect(installUndiciGuard(undici, breaker)).toBe(uninstall);
  onTestFinished(installFetchGuard(breaker));
  await (await undici.request(upstream.url)).body.text();
  await (await closing(new undici.Client(upstream.url)).request(get)).body.text();
  expect(breaker.stats().calls.success).toBe(2);
});

test.each([
  ['before the undici of Node.js', ['undici', 'install'], { request: 1, agent: 1, pool: 1 }],
  ['after it', ['install', 'undici'], { request: 1, agent: 0, pool: 0 }],
  ['after it, and sets the global dispatcher', ['install', 'undici', 'set'], { request: 0, agent: 1, pool: 1 }],
])('the package undici is found by what it holds, where it is loaded %s', async (_, steps, counts) => {
  const upstream = await Upstream.start();
  const main = join(import.meta.dirname, 'late-undici-main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [main, upstream.url, ...steps]);
  expect(JSON.parse(stdout)).toEqual(counts);
});

test('what is no undici is refused', () => {
  const install = () => installUndiciGuard({ Agent: class {} } as never, () => undefined);
  expect(install).toThrow(InvalidInputError);
  expect(install).toThrow('`undici` must be the module undici');
});

test('websockets and tunnels are no calls', async () => {
  const upstream = await Upstream.start();
  const breaker = breakerFor(upstream);
  onTestFinished(installBoth(breaker));
  const socket = new WebSocket(upstream.url.replace('http', 'ws'));
  await new Promise((resolve) => socket.addEventListener('error', resolve));
  await undici.upgrade(upstream.url, {}).catch(() => undefined);
  expect(Object.values(breaker.stats().calls).every((count) => count === 0)).toBe(true);
});

function installBoth(by: Parameters<typeof installFetchGuard>[0]): () => void {
  const uninstalls = [installFetchGuard(by), installUndiciGuard(undici, by)];
  return () => {
    for (const uninstall of uninstalls) uninstall();
  };
}

function breakerFor(upstream: Upstream): Breaker {
  const breaker = createBreaker(`installed-${upstream.port}`, { telemetry: 'off' });
  onTestFinished(() => breaker.close());
  return breaker;
}

function closing<Dispatcher extends undici.Dispatcher>(dispatcher: Dispatcher): Dispatcher {
  onTestFinished(() => dispatcher.destroy());
  return dispatcher;
}
