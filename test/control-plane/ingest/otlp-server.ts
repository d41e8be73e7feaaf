import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { problemHandler } from '../../../src/control-plane/http/problem.ts';
import type { Observation } from '../../../src/control-plane/ingest/observation.ts';
import { type OtlpRouterOptions, otlpRouter } from '../../../src/control-plane/ingest/otlp-router.ts';

export const NOW = Date.parse('2026-01-31T12:00:00Z');

/** The router behind a real HTTP server on a free port of 127.0.0.1. */
export async function startOtlpServer(options: Partial<OtlpRouterOptions> = {}) {
  const observations: Observation[] = [];
  const batches: string[] = [];
  const unexpected: unknown[] = [];
  const app = express();
  app.use(
    '/v1',
    otlpRouter({
      sink: (batch) => {
        observations.push(...batch);
      },
      onBatch: (signal, result, points) => batches.push(`${signal} ${result} ${points}`),
      now: () => NOW,
      ...options,
    }),
  );
  app.use(problemHandler((error) => unexpected.push(error)));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;

  return {
    url,
    observations,
    batches,
    unexpected,
    post: async (path: string, body: Uint8Array | string | object, headers: Record<string, string> = {}) => {
      const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
      const response = await fetch(`${url}/${path}`, {
        method: 'POST',
        body: raw as NonNullable<RequestInit['body']>,
        headers: { 'content-type': 'application/json', ...headers },
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, headers: response.headers, bytes, text: new TextDecoder().decode(bytes) };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
