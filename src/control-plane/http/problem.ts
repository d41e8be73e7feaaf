import { STATUS_CODES } from 'node:http';
import { describeProblem, InvalidInputError, type Problem } from '@switchgear/conventions';
import type { ErrorRequestHandler, Response } from 'express';

/** An RFC 9457 problem document, with the fields at fault as an extension member. */
export interface ProblemDocument {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string; readonly detail: string }[];
}

/** Thrown by a handler to answer with a problem document. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly problems: readonly Problem[];

  constructor(status: number, detail: string, problems: readonly Problem[] = []) {
    super(detail);
    this.name = 'HttpProblem';
    this.status = status;
    this.problems = problems;
  }
}

export function sendProblem(response: Response, status: number, detail: string, problems: readonly Problem[] = []) {
  const document: ProblemDocument = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    ...(problems.length > 0 && {
      errors: problems.map((problem) => ({ field: problem.field, detail: describeProblem(problem) })),
    }),
  };
  response.status(status).type('application/problem+json').send(JSON.stringify(document));
}

/** The last middleware: turns what a handler threw into a problem document. `report` hears of what nobody expected. */
export function problemHandler(report: (error: unknown) => void): ErrorRequestHandler {
  return (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof HttpProblem) return sendProblem(response, error.status, error.message, error.problems);
    if (error instanceof InvalidInputError) return sendProblem(response, 400, error.message, error.problems);
    const status = clientErrorStatus(error);
    if (status !== undefined) return sendProblem(response, status, (error as Error).message);
    report(error);
    return sendProblem(response, 500, 'The control plane failed to answer; its log has the cause.');
  };
}

/** Express and its body parsers mark errors that are the client's with a 4xx `status`. */
function clientErrorStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500 ? error.status : undefined;
}
