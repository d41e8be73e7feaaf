/** An answer that is not 2xx. */
export class HttpStatusError extends Error {
  readonly code = 'HTTP_STATUS';
  readonly status: number;

  constructor(url: string, status: number) {
    super(`${url} answered ${status}`);
    this.name = 'HttpStatusError';
    this.status = status;
  }
}

/** A real request by `fetch`: GET, or POST where there is a body. @throws HttpStatusError, and what `fetch` throws */
export async function requestJson<T>(url: string, options: { signal: AbortSignal; body?: unknown }): Promise<T> {
  const { signal, body } = options;
  const response = await fetch(url, {
    signal,
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  // Read in any case: an unread body keeps its connection from being used again.
  const text = await response.text();
  if (!response.ok) throw new HttpStatusError(url, response.status);
  return JSON.parse(text) as T;
}
