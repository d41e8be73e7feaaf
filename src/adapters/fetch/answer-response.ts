import { STATUS_CODES } from 'node:http';
import type { HttpAnswer } from '../http-calls/http-answer.ts';
import type { HttpRequest } from '../http-calls/http-request.ts';

const STATUSES_WITHOUT_BODY = [204, 205, 304];

/** The answer of a wire as the response of a fetch. */
export function answerResponse({ status, headers, body }: HttpAnswer, request: HttpRequest): Response {
  const hasBody = !STATUSES_WITHOUT_BODY.includes(status) && request.method !== 'HEAD';
  const response = new Response(hasBody ? Buffer.from(body) : null, {
    status,
    statusText: STATUS_CODES[status] ?? '',
    headers: { ...headers },
  });
  // A response that was made by hand has none.
  Object.defineProperty(response, 'url', { value: request.url, configurable: true });
  return response;
}
