import type { Request, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { HttpProblem, sendProblem } from '../http/problem.ts';
import type { Role } from './tokens.ts';

export interface AuthenticateOptions {
  readonly roleOf: (token: string) => Role | undefined;
  /** Failures per minute and address that are answered with 401; further ones get 429. Default 60. */
  readonly maxFailuresPerMinute?: number;
  /** Hears of every refusal. */
  readonly onRefused?: (status: 401 | 403 | 429) => void;
}

/** The gates of one control plane: each lets through who has one of its roles. */
export function authenticator(options: AuthenticateOptions): (allowed: readonly Role[]) => RequestHandler {
  // Only failures are counted, so that a good token is never turned away for the mistakes of a neighbour behind the
  // same address; guessing is hopeless by the length of a token, this keeps it quiet as well.
  const limitFailures = rateLimit({
    windowMs: 60_000,
    limit: options.maxFailuresPerMinute ?? 60,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    validate: { xForwardedForHeader: false },
    handler: (_request, response) => {
      options.onRefused?.(429);
      sendProblem(response, 429, 'Too many requests without a valid token; wait a minute.');
    },
  });
  return (allowed) => async (request, response, next) => {
    const token = bearerToken(request);
    const role = token === undefined ? undefined : options.roleOf(token);
    if (role === undefined) {
      await limitFailures(request, response, () => {
        options.onRefused?.(401);
        response.set(
          'WWW-Authenticate',
          `Bearer realm="switchgear"${token === undefined ? '' : ', error="invalid_token"'}`,
        );
        next(new HttpProblem(401, token === undefined ? 'A bearer token is needed.' : 'The token is not valid.'));
      });
      return;
    }
    if (!allowed.includes(role)) {
      options.onRefused?.(403);
      next(new HttpProblem(403, `This needs the role ${allowed.join(' or ')}; the token has the role ${role}.`));
      return;
    }
    response.locals.role = role;
    next();
  };
}

/** Who is to be named in the audit trail: the role, with the name the request claims where it claims one. */
export function actorOf(request: Request, role: Role): string {
  const claimed = request.get('switchgear-actor');
  if (claimed === undefined) return role;
  if (!/^[\x20-\x7e]{1,100}$/.test(claimed)) {
    const rule = 'must be 1 to 100 printable ASCII characters';
    throw new HttpProblem(400, `\`Switchgear-Actor\` ${rule}`, [{ field: 'Switchgear-Actor', rule, value: claimed }]);
  }
  return `${role}:${claimed}`;
}

function bearerToken(request: Request): string | undefined {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}
