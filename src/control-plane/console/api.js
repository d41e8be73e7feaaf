/** The control plane's API over HTTP, and its live stream. EventSource cannot send a token, so the stream is a fetch. */

/** The server refused; `message` is what the operator reads. */
export class ApiError extends Error {
  /** @param {number} status 0 where there was no answer @param {string} message @param {readonly string[]} fields */
  constructor(status, message, fields = []) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    /** What the problem document says of single fields. */
    this.fields = fields;
  }
}

/** Milliseconds without an answer after which a request fails. */
const REQUEST_LIMIT_MS = 10_000;

/** The server sends a heartbeat every 15 s; silence for longer than two of them is a dead connection. */
const SILENCE_LIMIT_MS = 35_000;

const MAX_BACKOFF_MS = 15_000;

/**
 * @param {string} token @param {string} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function request(token, method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
  } catch {
    throw new ApiError(0, 'The control plane did not answer. It is unknown whether the request was carried out.');
  }
  if (!response.ok) throw await errorOf(response);
  return response.json().catch(() => {
    throw new ApiError(
      response.status,
      'The answer could not be read. It is unknown whether the request was carried out.',
    );
  });
}

/** @param {string} service @param {string} breaker @param {string} [verb] */
export function breakerPath(service, breaker, verb = '') {
  return `/api/v1/breakers/${encodeURIComponent(service)}/${encodeURIComponent(breaker)}${verb && `/${verb}`}`;
}

/**
 * Follows the stream until `signal` aborts or the token is refused; opens it again, later and later, where it ends.
 * @param {{
 *   token: string,
 *   signal: AbortSignal,
 *   onMessage: (event: string, data: any) => void,
 *   onLive: () => void,
 *   onLost: (why: string, retryInMs: number) => void,
 *   onRefused: (error: ApiError) => void,
 * }} options
 */
export async function follow({ token, signal, onMessage, onLive, onLost, onRefused }) {
  let attempt = 0;
  while (!signal.aborted) {
    let why = 'The stream ended.';
    let retryMs = 0;
    try {
      await readStream(token, signal, (event, data) => {
        if (event === 'snapshot') attempt = 0;
        onMessage(event, data);
        if (event === 'snapshot') onLive();
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return onRefused(error);
      why = error instanceof Error ? error.message : String(error);
      retryMs = error instanceof ApiError ? retryAfterMs(error) : 0;
    }
    if (signal.aborted) return;
    const backoffMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** attempt) * (0.75 + Math.random() / 2);
    attempt += 1;
    const waitMs = Math.max(backoffMs, retryMs);
    onLost(why, waitMs);
    await pause(waitMs, signal);
  }
}

/** Reads a `text/event-stream` in pieces of any size; comments are passed over. */
export class EventParser {
  #rest = '';
  #event = 'message';
  /** @type {string[]} */
  #data = [];

  /** @param {string} text @returns {{ event: string, data: string }[]} the events that are complete now */
  push(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const found = [];
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line.startsWith('event:')) this.#event = line.slice(6).trim();
      else if (line.startsWith('data:')) this.#data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      else if (line === '') {
        if (this.#data.length > 0) found.push({ event: this.#event, data: this.#data.join('\n') });
        this.#event = 'message';
        this.#data = [];
      }
    }
    return found;
  }
}

/** @param {string} token @param {AbortSignal} signal @param {(event: string, data: any) => void} onMessage */
async function readStream(token, signal, onMessage) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
  try {
    const response = await fetch('/api/v1/stream', {
      headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok) throw await errorOf(response);
    if (!response.body) throw new Error('The stream has no body.');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
      for (const { event, data } of parser.push(value)) onMessage(event, JSON.parse(data));
    }
  } catch (error) {
    if (silence.signal.aborted) throw new Error('The stream fell silent.');
    if (error instanceof TypeError) throw new Error('The control plane cannot be reached.');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Response} response */
async function errorOf(response) {
  const document = await response.json().catch(() => ({}));
  const detail = typeof document?.detail === 'string' ? document.detail : (document?.title ?? response.statusText);
  const fields = Array.isArray(document?.errors)
    ? document.errors.map((/** @type {any} */ error) => String(error?.detail))
    : [];
  const error = new ApiError(response.status, `${meaningOf(response.status)} ${detail}`.trim(), fields);
  retryAfter.set(error, Number(response.headers.get('retry-after')) * 1_000);
  return error;
}

/** @type {WeakMap<ApiError, number>} */
const retryAfter = new WeakMap();

/** @param {ApiError} error */
function retryAfterMs(error) {
  const ms = retryAfter.get(error) ?? 0;
  return Number.isFinite(ms) ? Math.min(ms, 60_000) : 0;
}

/** @param {number} status */
function meaningOf(status) {
  if (status === 401) return 'The token was not accepted.';
  if (status === 403) return 'This token may not do that; acting needs an operator token.';
  if (status === 404) return 'It is not known here.';
  if (status === 429) return 'Too many requests; wait a little.';
  if (status >= 500) return `The control plane failed (${status}).`;
  return `Refused (${status}).`;
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
