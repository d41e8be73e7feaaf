import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DESIRED_STATE_FILE,
  DESIRED_STATE_SCHEMA,
  type DesiredBreaker,
  INVENTORY_FILE,
  type Inventory,
  type OpampAgentToServer,
  type OpampServerToAgent,
} from '@switchgear/conventions';

export interface Received {
  readonly message: OpampAgentToServer;
  readonly headers: IncomingMessage['headers'];
  readonly inventory: Inventory | undefined;
  /** Seconds the agent lets the server hold it. */
  readonly wait: number;
  readonly at: number;
}

interface Desired {
  readonly body: string;
  readonly hash: string;
}

/** A control plane that speaks the JSON messages: it holds polls, and answers with what the test gave it. */
export class OpampServer {
  readonly received: Received[] = [];
  /** Answers for the messages to come, ahead of everything else. */
  readonly raw: ((response: ServerResponse) => void)[] = [];
  /** Whether polls with nothing to tell are held. */
  holds = true;
  readonly #server = createServer((request, response) => this.#take(request, response));
  #desired: Desired | undefined;
  readonly #held = new Set<() => void>();
  #waiting: (() => void)[] = [];

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  get heldPolls(): number {
    return this.#held.size;
  }

  /** Sets the desired state and ends the held polls. */
  desire(breakers: Record<string, DesiredBreaker>, revision: number): void {
    this.desireBody(JSON.stringify({ schema: DESIRED_STATE_SCHEMA, revision, breakers }), `hash-${revision}`);
  }

  desireBody(body: string, hash: string): void {
    this.#desired = { body: Buffer.from(body).toString('base64'), hash: Buffer.from(hash).toString('base64') };
    for (const answer of this.#held) answer();
  }

  /** Waits for a message that fits, whether it came already or is to come. */
  async until(fits: (received: Received) => boolean, from = 0): Promise<Received> {
    for (;;) {
      const found = this.received.slice(from).find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const message = JSON.parse(Buffer.concat(chunks).toString()) as OpampAgentToServer;
    const file = message.effectiveConfig?.configMap.configMap[INVENTORY_FILE];
    const inventory = file && (JSON.parse(Buffer.from(file.body, 'base64').toString()) as Inventory);
    const wait = Number(/wait=(\d+)/.exec(String(request.headers.prefer ?? ''))?.[1] ?? 0);
    this.received.push({ message, headers: request.headers, inventory, wait, at: performance.now() });
    const raw = this.raw.shift();
    if (raw) raw(response);
    else this.#answer(message, wait, response);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #answer(message: OpampAgentToServer, wait: number, response: ServerResponse): void {
    const news = () => this.#desired && this.#desired.hash !== message.remoteConfigStatus?.lastRemoteConfigHash;
    if (wait === 0 || news() || !this.holds) {
      this.#send(message, response, news() ? this.#desired : undefined);
      return;
    }
    const answer = () => {
      this.#held.delete(answer);
      this.#send(message, response, this.#desired);
    };
    this.#held.add(answer);
    response.on('close', () => this.#held.delete(answer));
  }

  #send({ instanceUid }: OpampAgentToServer, response: ServerResponse, desired: Desired | undefined): void {
    const answer: OpampServerToAgent = {
      instanceUid,
      ...(desired && {
        remoteConfig: {
          config: { configMap: { [DESIRED_STATE_FILE]: { body: desired.body, contentType: 'application/json' } } },
          configHash: desired.hash,
        },
      }),
    };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }
}
