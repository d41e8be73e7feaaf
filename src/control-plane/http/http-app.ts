import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { apiRouter } from '../api/api-router.ts';
import type { Route } from '../api/routes.ts';
import type { Role } from '../auth/tokens.ts';
import type { ObservationSink } from '../ingest/observation.ts';
import { otlpRouter } from '../ingest/otlp-router.ts';
import { type Metrics, timeRequests } from '../metrics.ts';
import { type OpampRouterOptions, opampRouter } from '../opamp/opamp-router.ts';
import { consoleFiles } from './console-files.ts';
import { problemHandler, sendProblem } from './problem.ts';

export interface HttpAppOptions {
  readonly routes: readonly Route[];
  readonly openApi: unknown;
  readonly gate: (allowed: readonly Role[]) => RequestHandler;
  readonly metrics: Metrics;
  readonly opamp: OpampRouterOptions;
  readonly sink: ObservationSink;
  /** Rejects while the control plane should get no traffic. */
  readonly ready: () => Promise<void>;
  readonly log: Logger;
}

/** Every path the control plane answers. */
export function httpApp(options: HttpAppOptions): Express {
  const { metrics, gate, log } = options;
  const app = express();
  app.disable('etag');
  app.use(timeRequests(metrics));
  app.use(helmet(SECURITY_HEADERS));

  app.get('/healthz', (_request, response) => void response.json({ status: 'alive' }));
  app.get('/readyz', async (_request, response) => {
    try {
      await options.ready();
      response.json({ status: 'ready' });
    } catch (error) {
      sendProblem(response, 503, `Not ready: ${(error as Error).message}`);
    }
  });
  app.get('/metrics', async (_request, response) => {
    response.set('Content-Type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  app.get(['/openapi.json', '/api/v1/openapi.json'], (_request, response) => void response.json(options.openApi));

  app.use('/v1', gate(['agent', 'operator']));
  app.use('/v1/opamp', opampRouter(options.opamp));
  app.use(
    '/v1',
    otlpRouter({
      sink: options.sink,
      onSinkError: (error) => log.error({ err: error }, 'events could not be stored; the sender is told to try again'),
      onBatch(signal, result, points) {
        metrics.ingestRequests.inc({ signal, result });
        metrics.ingestPoints.inc({ signal, result }, points);
      },
    }),
  );
  app.use('/api/v1', apiRouter({ routes: options.routes, gate }));
  app.use(consoleFiles());
  app.use((request, response) => sendProblem(response, 404, `There is nothing at ${request.path}.`));
  app.use(problemHandler((error) => log.error({ err: error }, 'a request failed')));
  return app;
}

/** The console may load and call nothing but the control plane itself. No HSTS: it speaks plain HTTP behind a proxy. */
const SECURITY_HEADERS: Parameters<typeof helmet>[0] = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'no-referrer' },
};
