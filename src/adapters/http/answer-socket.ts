import { STATUS_CODES } from 'node:http';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { HttpAnswer } from '../http-calls/http-answer.ts';

/** Headers that say how a message is framed: they are those of the answer as it is written, whatever the wire gave. */
const FRAMING = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade']);

/**
 * A socket with a neutral wire at its other end: it takes in what node:http sends and answers with HTTP/1.1. To a request, and to all that
 * is built on it, it is a server that keeps the connection open.
 */
export class AnswerSocket extends Socket {
  constructor() {
    // It takes in all at once and keeps nothing; after an early answer node:http would wait for its `drain` for ever.
    super({ writableHighWaterMark: Number.MAX_SAFE_INTEGER } as SocketConstructorOpts);
    // What an agent does with a socket that is free again.
    this.once('free', () => this.destroy());
  }

  /** Asks for the body of a request that waits to be asked. */
  askForBody(): void {
    this.push('HTTP/1.1 100 Continue\r\n\r\n');
  }

  /** @param method of the request: it says whether a body follows, and whether the connection becomes a tunnel */
  answer({ status, headers, body }: HttpAnswer, method: string): void {
    // A tunnel would lead nowhere, so its answer is never one that opens it.
    const code = method === 'CONNECT' && status < 300 ? 503 : status;
    const lines = [`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`];
    for (const [name, value] of Object.entries(headers)) {
      if (!FRAMING.has(name)) lines.push(`${name}: ${value}`);
    }
    const hasBody = code !== 204 && code !== 304;
    if (hasBody) lines.push(`content-length: ${body.byteLength}`);
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    // What is on its way to a server is there first.
    setImmediate(() => {
      if (this.destroyed) return;
      this.push(head);
      if (hasBody && method !== 'HEAD' && body.byteLength > 0) this.push(body);
    });
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done();
  }

  override _writev(_chunks: unknown, done: () => void): void {
    done();
  }

  override _final(done: () => void): void {
    done();
  }
}
