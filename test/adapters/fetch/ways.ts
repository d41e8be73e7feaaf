import { Writable } from 'node:stream';
import { breakerInterceptor, guardFetch } from '@switchgear/adapters/fetch';
import type { Breaker } from '@switchgear/breaker';
import * as undici from 'undici';
import { onTestFinished } from 'vitest';
import { DispatcherGuard } from '../../../src/adapters/fetch/dispatcher-guard.ts';
import { NodeAgent } from './node-agent.ts';

/** What a caller sees of a call. */
export interface Seen {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly signal?: AbortSignal;
  readonly redirect?: 'follow' | 'manual' | 'error';
}

/** A way to call by HTTP, plain or under a breaker. */
export interface Way {
  call(url: string, asked?: Asked): Promise<Seen>;
}

/** The ways that undici and Node.js offer. Each has connections of its own, which end with the test. */
export const WAYS: Readonly<Record<string, (breaker: Breaker | undefined) => Way>> = {
  'the fetch of Node.js, wrapped': (breaker) =>
    viaFetch(breaker ? guardFetch(fetch, breaker) : fetch, own(new NodeAgent())),
  'the fetch of Node.js by an agent': (breaker) => viaFetch(fetch, composed(own(new NodeAgent()), breaker)),
  'the fetch of Node.js by a guarded copy': (breaker) => {
    const agent = own(new NodeAgent());
    const guard = new DispatcherGuard(() => breaker);
    if (breaker) guard.guardCopyOf(agent);
    onTestFinished(() => guard.takeOff());
    return viaFetch(fetch, agent);
  },
  'the fetch of Node.js by an agent of the package': (breaker) =>
    viaFetch(fetch, new undici.Dispatcher1Wrapper(agent(breaker))),
  'the fetch of undici by an agent': (breaker) => viaFetch(undici.fetch as unknown as typeof fetch, agent(breaker)),
  'request of undici': (breaker) => {
    const dispatcher = agent(breaker);
    return {
      async call(url, { redirect: _, ...asked } = {}) {
        const options = { ...asked, dispatcher } as Parameters<typeof undici.request>[1];
        const { statusCode, statusText, headers, trailers, body } = await undici.request(url, options);
        const text = await body.text();
        return { status: statusCode, statusText, headers: steady(headers), body: text, rest: { trailers } };
      },
    };
  },
  'stream of undici': (breaker) => {
    const dispatcher = agent(breaker);
    return {
      async call(url, { redirect: _, ...asked } = {}) {
        const seen = { status: 0, headers: {} as Record<string, unknown>, chunks: [] as Uint8Array[] };
        const options = { ...asked, dispatcher } as Parameters<typeof undici.stream>[1];
        const { trailers } = await undici.stream(url, options, ({ statusCode, headers }) => {
          seen.status = statusCode;
          seen.headers = steady(headers);
          return new Writable({
            write(chunk, _encoding, done) {
              seen.chunks.push(chunk);
              done();
            },
          });
        });
        const body = Buffer.concat(seen.chunks).toString();
        return { status: seen.status, statusText: '', headers: seen.headers, body, rest: { trailers } };
      },
    };
  },
};

function viaFetch(send: typeof fetch, dispatcher: undici.Dispatcher): Way {
  return {
    async call(url, asked = {}) {
      const init = { ...asked, ...(isIterable(asked.body) ? { duplex: 'half' } : {}), dispatcher };
      const response = await send(url, init as unknown as RequestInit);
      const { status, statusText, redirected, type, ok } = response;
      const rest = { url: response.url, redirected, type, ok, cookies: response.headers.getSetCookie() };
      const headers = steady(Object.fromEntries(response.headers));
      return { status, statusText, headers, body: await response.text(), rest };
    },
  };
}

function agent(breaker: Breaker | undefined): undici.Dispatcher {
  return composed(own(new undici.Agent()), breaker);
}

function composed(dispatcher: undici.Dispatcher, breaker: Breaker | undefined): undici.Dispatcher {
  return breaker ? dispatcher.compose(breakerInterceptor(breaker)) : dispatcher;
}

function own(dispatcher: undici.Dispatcher): undici.Dispatcher {
  onTestFinished(() => dispatcher.destroy());
  return dispatcher;
}

/** Without what is different each time. */
function steady(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { date: _, ...others } = headers;
  return others;
}

function isIterable(body: Asked['body']): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
