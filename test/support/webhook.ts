import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WaitOptions, waitUntil } from './deadline.ts';

/** One alert of a notification, as Alertmanager sends it (webhook payload, version 4). */
export interface ReceivedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

const BODY_LIMIT = 1024 * 1024;
const ALERT_LIMIT = 10_000;

/** A real HTTP receiver of Alertmanager's webhooks that keeps what it gets, in the order it came. */
export class Webhook {
  readonly alerts: ReceivedAlert[] = [];
  readonly url: string;
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    server.on('request', (request, response) => {
      this.#receive(request).then(
        () => response.writeHead(200).end(),
        (error: Error) => response.writeHead(400).end(error.message),
      );
    });
  }

  static start(): Promise<Webhook> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new Webhook(server)));
    });
  }

  /** Waits for an alert that the predicate takes, among those that came already too. */
  waitFor(
    what: string,
    predicate: (alert: ReceivedAlert) => boolean,
    options: WaitOptions = {},
  ): Promise<ReceivedAlert> {
    const look = () => {
      const found = this.alerts.find(predicate);
      if (found) return found;
      throw new Error(`${this.alerts.length} alerts: ${this.alerts.map(oneLine).join('; ').slice(-800)}`);
    };
    return waitUntil(`an alert at the webhook: ${what}`, look, options);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #receive(request: IncomingMessage): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) {
      body += chunk;
      if (body.length > BODY_LIMIT) throw new Error('body above 1 MiB');
    }
    const { alerts } = JSON.parse(body) as { alerts: ReceivedAlert[] };
    if (!Array.isArray(alerts)) throw new Error('`alerts` must be a list');
    this.alerts.push(...alerts);
    if (this.alerts.length > ALERT_LIMIT) this.alerts.splice(0, this.alerts.length - ALERT_LIMIT);
  }
}

function oneLine({ status, labels }: ReceivedAlert): string {
  return `${status} ${labels.alertname} ${labels.job ?? ''} ${labels.breaker_name ?? ''}`;
}
