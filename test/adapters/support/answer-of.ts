import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** The status and the whole body of the answer to a request of node:http, as `200 text`. */
export async function answerOf(request: ClientRequest): Promise<string> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return `${response.statusCode} ${await bodyOf(response)}`;
}

export async function bodyOf(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of response) body += chunk;
  return body;
}
