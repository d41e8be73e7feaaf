import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { type Route, rolesFor } from './routes.ts';
import { problemDocument } from './schemas.ts';

/** The OpenAPI 3.1 description of the routes. */
export function openApiDocument(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchgear control plane',
      version,
      description:
        'Knows the state of every breaker in the fleet and steers each one. Service and breaker are URL-encoded path segments: `ns/name` becomes `ns%2Fname`. The header `Switchgear-Actor` names who acts, for the audit trail.',
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: jsonSchema(problemDocument, 'output') },
    },
    security: [{ token: [] }],
  };
}

function operation(route: Route) {
  const parameters = [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')];
  const problems = [400, 401, 403, ...(route.problems ?? []), ...(route.body ? [413, 415] : []), 429].sort();
  return {
    operationId: `${route.method}${route.path.replaceAll(/[/{}]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: route.summary,
    description: `Roles: ${rolesFor(route.method).join(', ')}.`,
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && {
      requestBody: {
        required: !route.isBodyOptional,
        content: { 'application/json': { schema: jsonSchema(route.body, 'input') } },
      },
    }),
    responses: {
      ...success(route),
      ...Object.fromEntries(problems.map((status) => [String(status), problem(status)])),
    },
  };
}

function success({ answer }: Route) {
  if (answer === 'events') {
    const description = 'Server-sent events: snapshot, then breaker, removed, event and audit.';
    return { 200: { description, content: { 'text/event-stream': { schema: { type: 'string' } } } } };
  }
  const schema = jsonSchema(answer.schema, 'output');
  return { [answer.status]: { description: STATUS_CODES[answer.status], content: { 'application/json': { schema } } } };
}

function problem(status: number) {
  const schema = { $ref: '#/components/schemas/Problem' };
  return { description: STATUS_CODES[status], content: { 'application/problem+json': { schema } } };
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query') {
  if (!schema) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input');
  return Object.entries(properties).map(([name, value]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: value,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
