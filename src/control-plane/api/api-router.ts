import { type RequestHandler, Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import { actorOf } from '../auth/authenticate.ts';
import type { Role } from '../auth/tokens.ts';
import { jsonBody } from '../http/json-body.ts';
import { HttpProblem, sendProblem } from '../http/problem.ts';
import { type Route, rolesFor } from './routes.ts';
import { validate } from './validate.ts';

export interface ApiRouterOptions {
  readonly routes: readonly Route[];
  readonly gate: (allowed: readonly Role[]) => RequestHandler;
  /** Requests per minute and address. Default 6,000. */
  readonly maxRequestsPerMinute?: number;
}

/** The routes, relative to `/api/v1`; each path answers other methods with 405. */
export function apiRouter(options: ApiRouterOptions): Router {
  const router = Router();
  router.use(
    rateLimit({
      windowMs: 60_000,
      limit: options.maxRequestsPerMinute ?? 6_000,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      validate: { xForwardedForHeader: false },
      handler: (_request, response) => sendProblem(response, 429, 'Too many requests; wait a minute.'),
    }),
  );
  for (const route of options.routes) {
    router[route.method](expressPath(route.path), options.gate(rolesFor(route.method)), jsonBody(), run(route));
  }
  for (const path of new Set(options.routes.map((route) => route.path))) {
    router.all(expressPath(path), options.gate(['viewer', 'operator']), methodNotAllowed(options.routes, path));
  }
  router.use(options.gate(['viewer', 'operator']));
  return router;
}

/** `/breakers/{service}` as Express writes it: `/breakers/:service`. */
export function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function run(route: Route): RequestHandler {
  return async (request, response) => {
    const body: unknown = request.body;
    const hasBody = body !== undefined;
    if (hasBody && !route.body) {
      throw new HttpProblem(400, 'This request takes no body.', [
        { field: 'body', rule: 'must be absent', value: body },
      ]);
    }
    const call = {
      params: route.params && validate(route.params, request.params, 'path'),
      query: route.query && validate(route.query, request.query, 'query'),
      body: route.body && (hasBody || !route.isBodyOptional) ? validate(route.body, body, 'body') : undefined,
      actor: actorOf(request, response.locals.role as Role),
      response,
    };
    response.set('Cache-Control', 'no-store');
    const answer = await route.handle(call);
    if (route.answer === 'events') return;
    response.status(route.answer.status).json(answer);
  };
}

function methodNotAllowed(routes: readonly Route[], path: string): RequestHandler {
  const methods = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
  if (methods.includes('GET')) methods.push('HEAD');
  return (request, response) => {
    response.set('Allow', methods.join(', '));
    sendProblem(response, 405, `${request.method} is not allowed here; allowed: ${methods.join(', ')}.`);
  };
}
