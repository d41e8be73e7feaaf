import type { Response } from 'express';
import type { BreakerView } from '../fleet/view.ts';
import { HttpProblem } from '../http/problem.ts';
import type { AuditItem, EventItem } from './schemas.ts';

export interface StreamHubOptions {
  /** Every breaker as it is now, of one service where one is given. */
  readonly snapshot: (service: string | undefined) => readonly BreakerView[];
  /** One breaker as it is now; undefined where it is no longer known. */
  readonly view: (service: string, breaker: string) => BreakerView | undefined;
  /** Default 100. */
  readonly maxClients?: number;
  /** Bytes that may wait for one client beside its snapshot, default 1 MiB; a client further behind is disconnected. */
  readonly maxBufferBytes?: number;
  /** Default 15,000. */
  readonly heartbeatMs?: number;
}

interface Client {
  readonly response: Response;
  readonly service: string | undefined;
  readonly maxBufferBytes: number;
}

/** At most one message per breaker in this time, in milliseconds: five a second. */
const COALESCE_MS = 200;

/** Streams changes to consoles as server-sent events. */
export class StreamHub {
  readonly #options: StreamHubOptions;
  readonly #clients = new Set<Client>();
  readonly #heartbeat: NodeJS.Timeout;
  /** Breakers that changed since the last flush, as JSON of [service, breaker]; bounded by the number of breakers. */
  readonly #changed = new Set<string>();
  #flush: NodeJS.Timeout | undefined;
  #lastId = 0;
  #dropped = 0;
  #isStopped = false;

  constructor(options: StreamHubOptions) {
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#writeAll(() => true, ':\n\n'), options.heartbeatMs ?? 15_000).unref();
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Clients disconnected because they did not keep up. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @throws HttpProblem 503 where there is no room. */
  connect(response: Response, service: string | undefined): void {
    if (this.#isStopped) throw new HttpProblem(503, 'The control plane is stopping.');
    if (this.#clients.size >= (this.#options.maxClients ?? 100)) {
      response.set('Retry-After', '10');
      throw new HttpProblem(503, 'Too many clients listen to the stream; try again later.');
    }
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    const snapshot = this.#message('snapshot', { items: this.#options.snapshot(service) });
    response.write(snapshot);
    const maxBufferBytes = (this.#options.maxBufferBytes ?? 1024 * 1024) + response.writableLength;
    const client = { response, service, maxBufferBytes };
    this.#clients.add(client);
    response.on('close', () => this.#clients.delete(client));
    response.on('error', () => this.#clients.delete(client));
  }

  /** A breaker's view changed; it is sent with the next flush, as it is then. */
  breakerChanged(service: string, breaker: string): void {
    if (this.#clients.size === 0) return;
    this.#changed.add(JSON.stringify([service, breaker]));
    this.#flush ??= setTimeout(() => this.#flushChanged(), COALESCE_MS).unref();
  }

  event(item: EventItem): void {
    this.#publish(item.service, 'event', item);
  }

  audit(item: AuditItem): void {
    this.#publish(item.service, 'audit', item);
  }

  /** Ends every stream. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#flush);
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  #flushChanged(): void {
    this.#flush = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const key of changed) {
      const [service, breaker] = JSON.parse(key) as [string, string];
      const view = this.#options.view(service, breaker);
      if (view) this.#publish(service, 'breaker', view);
      else this.#publish(service, 'removed', { service, breaker });
    }
  }

  #publish(service: string, event: string, data: unknown): void {
    if (this.#clients.size === 0) return;
    this.#writeAll((client) => client.service === undefined || client.service === service, this.#message(event, data));
  }

  #message(event: string, data: unknown): string {
    this.#lastId += 1;
    return `id: ${this.#lastId}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #writeAll(isFor: (client: Client) => boolean, text: string): void {
    for (const client of this.#clients) {
      if (!isFor(client)) continue;
      if (client.response.writableLength > client.maxBufferBytes) {
        this.#dropped += 1;
        this.#clients.delete(client);
        client.response.destroy();
      } else {
        client.response.write(text);
      }
    }
  }
}
