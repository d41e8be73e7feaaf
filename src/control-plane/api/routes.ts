import type { Response } from 'express';
import type { z } from 'zod';
import type { Role } from '../auth/tokens.ts';

/** One operation of the API: it is registered from this, and described from this in `openapi.json`. */
export interface Route {
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** Below `/api/v1`, with parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Whether the body may be left out. Default false. */
  readonly isBodyOptional?: boolean;
  /** With `events`, the handler takes over the response. */
  readonly answer: { readonly status: number; readonly schema: z.ZodType } | 'events';
  /** Problems it answers with beside 400, 401, 403 and 429. */
  readonly problems?: readonly number[];
  readonly handle: Handler;
}

/** The checked parts of a request. Their types are those of the route's schemas, which `route` ties to the handler. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly actor: string;
  /** For handlers that answer with events. */
  readonly response: Response;
}

type Handler = (call: Call) => Promise<unknown>;

/** Ties a handler's types to the schemas of its route. */
export function route<
  Params extends z.ZodType = z.ZodUnknown,
  Query extends z.ZodType = z.ZodUnknown,
  Body extends z.ZodType = z.ZodUnknown,
>(
  spec: Omit<Route, 'handle' | 'params' | 'query' | 'body'> & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly handle: (call: Call<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<unknown>;
  },
): Route {
  return spec as unknown as Route;
}

/** Reading is for viewers too; everything else is the operator's. */
export function rolesFor(method: string): readonly Role[] {
  return method === 'get' ? ['viewer', 'operator'] : ['operator'];
}
