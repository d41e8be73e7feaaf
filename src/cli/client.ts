import { CliFailure, EXIT, usage } from './failure.ts';
import { type ServerEvent, serverEvents } from './sse.ts';
import { oneLine } from './table.ts';

export interface ClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  /** Sent as `Switchgear-Actor`; see `claimedActor`. */
  readonly actor: string | undefined;
  /** Milliseconds until a request that has no answer fails. Default 10,000. Streams have no such limit. */
  readonly timeoutMs?: number;
}

/** An HTTP client of the control plane's API. Every failure is a CliFailure with one line to print. */
export interface Client {
  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The live stream, until the server ends it or `signal` aborts. */
  stream(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent>;
}

export function createClient(options: ClientOptions): Client {
  const base = baseUrl(options.url);
  const headers = {
    ...(options.token !== undefined && { Authorization: `Bearer ${headerValue(options.token, 'the token')}` }),
    ...(options.actor !== undefined && { 'Switchgear-Actor': options.actor }),
  };

  async function send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, init);
    } catch (error) {
      if (init.signal?.aborted && init.signal.reason?.name === 'AbortError') throw error;
      throw unreachable(base, error);
    }
    if (!response.ok) throw await refusal(response, options.token !== undefined);
    return response;
  }

  return {
    async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      const response = await send(path, {
        method,
        headers: {
          ...headers,
          Accept: 'application/json',
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
      });
      try {
        return (await response.json()) as Answer;
      } catch {
        throw new CliFailure(
          EXIT.failed,
          `${base} did not answer in JSON: is it a Switchgear control plane? Check --url.`,
        );
      }
    },
    async *stream(path, signal) {
      const response = await send(path, { headers: { ...headers, Accept: 'text/event-stream' }, signal });
      if (!response.body) return;
      try {
        yield* serverEvents(response.body);
      } catch (error) {
        if (!signal.aborted) throw unreachable(base, error);
      }
    },
  };
}

/** The user's name as it may stand in a header: 1 to 100 printable ASCII characters; undefined where nothing is left. */
export function claimedActor(user: string | undefined): string | undefined {
  const name = (user ?? '')
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 100);
  return name === '' ? undefined : name;
}

function baseUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:')
    throw usage(`--url (or SWITCHGEAR_URL) must be an http or https URL, got "${oneLine(url)}"`);
  return parsed.origin + parsed.pathname.replace(/\/+$/, '');
}

function headerValue(value: string, name: string): string {
  if (!/^[\x21-\x7e]+$/.test(value)) throw usage(`${name} must be printable characters without spaces`);
  return value;
}

async function refusal(response: Response, hadToken: boolean): Promise<CliFailure> {
  const document = (await response.json().catch(() => undefined)) as
    | { title?: unknown; detail?: unknown; errors?: { detail?: unknown }[] }
    | undefined;
  const fields = Array.isArray(document?.errors) ? document.errors.map((error) => String(error.detail)).join('; ') : '';
  const said = oneLine(fields || String(document?.detail ?? document?.title ?? response.statusText)).replace(/\.$/, '');
  return new CliFailure(EXIT.failed, `${said} (HTTP ${response.status}).${advice(response, hadToken)}`);
}

function advice(response: Response, hadToken: boolean): string {
  switch (response.status) {
    case 401:
      return hadToken
        ? ' Check the token in SWITCHGEAR_TOKEN or --token.'
        : ' Set SWITCHGEAR_TOKEN, or pass --token; a control plane without one configured keeps it in its data folder as operator-token.';
    case 403:
      return ' This needs an operator token.';
    case 404:
      return ' See "switchgear ls" for what is known.';
    case 429:
      return ` Try again in ${response.headers.get('retry-after') ?? 'a few'} seconds.`;
    default:
      return '';
  }
}

function unreachable(base: string, error: unknown): CliFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const why =
    error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : (code ?? (cause as Error).message);
  return new CliFailure(
    EXIT.failed,
    `Cannot reach the control plane at ${base} (${oneLine(String(why))}). Is it running? Set SWITCHGEAR_URL or --url.`,
  );
}
