import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { createServer } from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BreakerOptions, NeutralWire } from '@switchgear/breaker';
import axios from 'axios';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerOf } from '../support/answer-of.ts';
import { guardHttp } from '../support/guard-http.ts';
import { httpBreaker } from '../support/http-breaker.ts';
import { spareWire } from '../support/spare-wire.ts';
import { ToldUpstream } from '../support/told-upstream.ts';

const require = createRequire(import.meta.url);

let upstream: ToldUpstream;

beforeEach(async () => {
  upstream = await ToldUpstream.open();
});

describe('axios, with no line of its own', () => {
  test('gets good answers and errors as ever, and the breaker’s error as one of the network', async () => {
    const breaker = make();
    expect((await axios.post(upstream.url, { item: 'bolt' })).data.body).toBe('{"item":"bolt"}');
    upstream.fail();
    await expect(axios.get(upstream.url)).rejects.toMatchObject({ response: { status: 503 } });
    upstream.hang();
    await expect(axios.get(upstream.url, { timeout: 20 })).rejects.toMatchObject({ code: 'ECONNABORTED' });
    await expect(axios.get(upstream.url, { timeout: 20, maxRedirects: 0 })).rejects.toMatchObject({
      code: 'ECONNABORTED',
    });
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 3, cancelled: 0 });
    expect(breaker.state).toBe('open');
    await expect(axios.get(upstream.url)).rejects.toMatchObject({
      isAxiosError: true,
      code: 'BREAKER_OPEN',
      cause: { breaker: breaker.name },
    });
    breaker.reset();
    upstream.answer = (_request, response) => response.end('well');
    expect((await axios.get(upstream.url)).data).toBe('well');
  });

  test('what it cancels is cancelled', async () => {
    const breaker = make();
    upstream.hang();
    const controller = new AbortController();
    const call = axios.get(upstream.url, { signal: controller.signal });
    await expect.poll(() => upstream.requests).toBe(1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    expect(breaker.stats().calls).toMatchObject({ failure: 0, cancelled: 1 });
  });

  test('gets a wire’s answer, as it is and as a stream', async () => {
    make([spareWire()]).trip();
    const { data, status } = await axios.post(upstream.url, { item: 'bolt' });
    expect([status, data]).toEqual([200, { spare: true }]);
    const stream = await axios.get(upstream.url, { responseType: 'stream' });
    expect(Buffer.concat(await stream.data.toArray()).toString()).toBe('{"spare":true}');
  });

  test('each step of a redirect is a call', async () => {
    const breaker = make();
    upstream.answer = ({ url }, response) => {
      if (url === '/there') response.end('there');
      else response.writeHead(302, { location: '/there' }).end();
    };
    expect((await axios.get(upstream.url)).data).toBe('there');
    expect(breaker.stats().calls.success).toBe(2);
  });
});

describe('a proxy', () => {
  test('answers for a server that is down, unwell, and well again', async () => {
    const breaker = make([], { trip: { consecutive: 2 } });
    const messages: string[] = [];
    const { server } = require('http-server').createServer({
      root: import.meta.dirname,
      proxy: upstream.url,
      logFn: (_request: unknown, _response: unknown, error?: Error) => error && messages.push(error.message),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const ask = async (init?: RequestInit) => {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b`, init);
      return `${response.status} ${await response.text()}`;
    };
    expect(await ask({ method: 'POST', body: 'x'.repeat(100_000) })).toContain(
      '200 {"method":"POST","path":"/a?b","body":"xxx',
    );
    const { port } = upstream;
    await upstream.close();
    await ask();
    await ask();
    await ask({ method: 'POST', body: 'x'.repeat(100_000) });
    expect(messages.filter((message) => message !== 'Not found')).toEqual([
      `connect ECONNREFUSED 127.0.0.1:${port}`,
      `connect ECONNREFUSED 127.0.0.1:${port}`,
      expect.stringContaining(`"${breaker.name}" is open`),
    ]);
    upstream = await ToldUpstream.open(port);
    breaker.reset();
    expect(await ask()).toContain('200 ');
    server.closeAllConnections();
    server.close();
  });

  test('hands a wire’s answer on', async () => {
    make([spareWire()]).trip();
    const server = createServer((request, response) => {
      const passed = http.request(
        upstream.url,
        { method: request.method ?? 'GET', headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(passed);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const response = await fetch(url, { method: 'PUT', body: 'x'.repeat(300_000) });
    expect([response.status, await response.json()]).toEqual([200, { spare: true }]);
    server.closeAllConnections();
    server.close();
  });
});

describe.skipIf(!hasOpenssl())('node:https (it needs openssl)', () => {
  let server: https.Server;
  let url: string;
  let ca: Buffer;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchgear-tls-'));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', keyFile, '-out', certFile];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject, ...files], {
      stdio: 'ignore',
    });
    ca = readFileSync(certFile);
    server = https.createServer({ key: readFileSync(keyFile), cert: ca }, (_request, response) =>
      response.end('secret'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    rmSync(folder, { recursive: true });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('is guarded as node:http is, with its own origin', async () => {
    const origins: string[] = [];
    const breaker = make([spareWire()]);
    guardHttp(({ origin }) => {
      origins.push(origin);
      return breaker;
    });
    expect(await answerOf(https.get(url, { ca }))).toBe('200 secret');
    expect(await answerOf(require('node:https').get(url, { ca, agent: false }))).toBe('200 secret');
    const error = await once(https.get(url), 'response').catch((thrown) => thrown);
    expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(breaker.stats().calls).toMatchObject({ success: 2, failure: 1 });
    breaker.trip();
    expect(await answerOf(https.get(url, { ca }))).toBe('200 {"spare":true}');
    expect(new Set(origins)).toEqual(new Set([new URL(url).origin]));
  });
});

function make(neutralWires: readonly NeutralWire[] = [], options: BreakerOptions = {}) {
  const breaker = httpBreaker({
    neutralWires,
    ...options,
  });
  const { port } = upstream;
  guardHttp(({ host }) => (host.endsWith(`:${port}`) ? breaker : undefined));
  return breaker;
}
function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
