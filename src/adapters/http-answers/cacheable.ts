import type { HttpRequest, ResponseHead } from '../http-calls/http-request.ts';

/** Whether a request asks what all callers would be told alike. */
export function mayShare(request: HttpRequest, withAuthorization: boolean): boolean {
  const { authorization, cookie, range } = request.headers();
  if (range !== undefined) return false;
  return withAuthorization || (authorization === undefined && cookie === undefined);
}

/** Whether a response is one to keep for others: good, whole, and not for its caller alone. */
export function mayKeep(request: HttpRequest, head: ResponseHead): boolean {
  // 206 is a part.
  if (head.status < 200 || head.status > 299 || head.status === 206) return false;
  const headers = head.headers();
  if (headers['set-cookie'] !== undefined || headers.vary?.includes('*')) return false;
  const directives = directivesOf(headers['cache-control']);
  if (directives.includes('no-store') || directives.includes('private')) return false;
  return !directivesOf(request.headers()['cache-control']).includes('no-store');
}

/** What the request says of the headers that the response varies by, but for the encoding: what is kept has none. */
export function variantOf(request: HttpRequest, responseHeaders: Readonly<Record<string, string>>): string {
  const headers = request.headers();
  return JSON.stringify(namesIn(responseHeaders.vary).map((name) => headers[name] ?? null));
}

function namesIn(vary: string | undefined): readonly string[] {
  return (vary ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'accept-encoding')
    .sort();
}

function directivesOf(cacheControl: string | undefined): readonly string[] {
  return (cacheControl ?? '').split(',').map((directive) => directive.split('=')[0]!.trim().toLowerCase());
}
