import { join } from 'node:path';
import { type WaitOptions, waitUntil } from './deadline.ts';
import { type TemporaryFolder, temporaryFolder } from './folders.ts';
import { type Child, freePort, ROOT, runNode } from './processes.ts';

export interface ListBody<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** The fields of a breaker's view that the end-to-end tests look at. */
export interface SeenBreaker {
  readonly service: string;
  readonly breaker: string;
  readonly state: string | null;
  readonly instances: Readonly<Record<string, number>>;
  readonly calls: Readonly<Record<string, number>>;
  readonly wires: readonly { name: string; buffered: number; replayed: number; dropped: number; depth: number }[];
  readonly override: { mode: string; reason: string; actor: string; expiresAt: string } | null;
  readonly delivery: { revision: number; applied: number; failed: number; pending: number };
}

export interface SeenEvent {
  readonly id: number | string;
  readonly service: string;
  readonly breaker: string;
  readonly event: string;
}

/** The control plane as a process of its own, on one port and one store for as long as the test lasts. */
export class ControlPlaneProcess {
  readonly url: string;
  readonly operatorToken = 'operator-token-of-the-tests';
  readonly agentToken = 'agent-token-of-the-tests';
  #folder: TemporaryFolder;
  #port: number;
  #child: Child | undefined;

  private constructor(port: number, folder: TemporaryFolder) {
    this.#port = port;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<ControlPlaneProcess> {
    const controlPlane = new ControlPlaneProcess(await freePort(), temporaryFolder('control-plane'));
    await controlPlane.restart();
    return controlPlane;
  }

  /** Starts it again on what the last one left behind. */
  async restart(): Promise<void> {
    this.#child = runNode(join(ROOT, 'src/control-plane/main.ts'), [], {
      env: {
        SWITCHGEAR_PORT: String(this.#port),
        SWITCHGEAR_STORE: `sqlite:${join(this.#folder.path, 'switchgear.db')}`,
        SWITCHGEAR_TOKEN: this.operatorToken,
        SWITCHGEAR_AGENT_TOKEN: this.agentToken,
        SWITCHGEAR_LOG_LEVEL: 'warn',
      },
    });
    await this.#child.waitForHttp(`${this.url}/readyz`);
  }

  /** SIGKILL. */
  async crash(): Promise<void> {
    await this.#child?.crash();
  }

  async stop(): Promise<void> {
    await this.#child?.end(12_000);
    this.#folder.remove();
  }

  /** What a service needs to send here and to be steered from here. */
  get serviceEnvironment(): Record<string, string> {
    return { SWITCHGEAR_URL: this.url, SWITCHGEAR_TOKEN: this.agentToken };
  }

  /**
   * A request to the API as the operator.
   * @throws Error for any answer above 299, with its body
   */
  async api<Body>(method: string, path: string, body?: object): Promise<Body> {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.operatorToken}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(5_000),
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Body;
  }

  async breaker(service: string, breaker: string): Promise<SeenBreaker> {
    return this.api('GET', `breakers/${encodeURIComponent(service)}/${encodeURIComponent(breaker)}`);
  }

  /** Waits until a breaker is seen so; resolves with its view. */
  waitForBreaker(
    service: string,
    breaker: string,
    holds: (seen: SeenBreaker) => boolean,
    options: WaitOptions = {},
  ): Promise<SeenBreaker> {
    const look = async () => {
      const seen = await this.breaker(service, breaker);
      if (holds(seen)) return seen;
      throw new Error(JSON.stringify(seen).slice(0, 800));
    };
    return waitUntil(`breaker ${breaker} of ${service} as the control plane sees it`, look, options);
  }

  /** The newest events, newest first. */
  async events(query: Readonly<Record<string, string>> = {}): Promise<readonly SeenEvent[]> {
    const page = await this.api<ListBody<SeenEvent>>(
      'GET',
      `events?${new URLSearchParams({ limit: '1000', ...query })}`,
    );
    return page.items;
  }

  /** Waits until an event of that name came from a breaker: events are exported in batches, after the state is known. */
  async waitForEvent(event: string, breaker: string): Promise<SeenEvent> {
    return waitUntil(`${event} of ${breaker}`, async () => (await this.events({ event, breaker }))[0]);
  }
}
