import { EventEmitter } from 'node:events';
import type { Agent, ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';

/**
 * An agent that is none of node:http's, as `agent-base` had them up to its version 6: it connects in its own time and tells of an
 * error by itself.
 */
export class ForeignAgent extends EventEmitter {
  readonly defaultPort = 80;
  readonly protocol = 'http:';
  /** Connections that it has made. */
  readonly sockets: Socket[] = [];
  readonly #port: number;

  /** @param port where it connects to, whatever the request says */
  constructor(port: number) {
    super();
    this.#port = port;
  }

  /** As those who take an agent want it. */
  get agent(): Agent {
    return this as unknown as Agent;
  }

  addRequest(request: ClientRequest): void {
    setImmediate(() => {
      const socket = connect(this.#port, '127.0.0.1');
      this.sockets.push(socket);
      socket.once('connect', () => request.onSocket(socket));
      socket.once('error', (error) => request.emit('error', error));
    });
  }
}
