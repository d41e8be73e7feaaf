import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

export interface PostRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** Aborts the request. */
  readonly signal: AbortSignal;
}

export interface PostResponse {
  readonly status: number;
  readonly body: string;
}

/** Largest answer read: a desired state for thousands of breakers is below it. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/**
 * The mark of OpenTelemetry's own exports; its description is what makes it the same in every copy of the API. What is marked by it
 * has no span, and no breaker by any adapter.
 */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const OWN_REQUEST = ROOT_CONTEXT.setValue(SUPPRESS_TRACING, true);

/**
 * Sends one POST. Its socket does not keep the process alive, which `fetch` could not promise: a held poll must not hold
 * up a program that has nothing else to do.
 */
export function post(request: PostRequest): Promise<PostResponse> {
  return context.with(OWN_REQUEST, () => send(request));
}

function send({ url, headers, body, timeoutMs, signal }: PostRequest): Promise<PostResponse> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(body));
    const outgoing = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': length },
      signal,
      agent: false,
    });
    outgoing.on('socket', (socket) => socket.unref());
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_RESPONSE_BYTES)
          outgoing.destroy(new Error(`an answer of more than ${MAX_RESPONSE_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    outgoing.end(body);
  });
}
