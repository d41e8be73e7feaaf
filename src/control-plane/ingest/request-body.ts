import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { HttpProblem } from '../http/problem.ts';

const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/**
 * Reads the body of a request and undoes its Content-Encoding. Both the bytes that arrive and the bytes they inflate
 * to are bounded by `maxBytes`; a body that grows past it is let go of at that point, not after.
 * @throws HttpProblem 413 past the bound, 415 for another encoding, 400 for bytes that do not inflate
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'deflate')
    throw problem(415, 'Content-Encoding', 'must be gzip, deflate or identity', encoding);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes, declared);
  const body = await collect(request, maxBytes);
  if (encoding === 'identity' || body.length === 0) return body;
  try {
    return await DECODERS[encoding](body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw problem(
        413,
        'body',
        `must not inflate to more than ${maxBytes} bytes`,
        `more, out of ${body.length} bytes`,
      );
    throw problem(400, 'body', `must be ${encoding} (${(error as Error).message})`, `${body.length} bytes`);
  }
}

async function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // The loop must not destroy the request when it is left: the answer goes over the same socket.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch {
    throw problem(400, 'body', 'must arrive whole', `${size} bytes, then the connection broke`);
  }
  if (size > maxBytes) throw tooLarge(maxBytes, size);
  return Buffer.concat(chunks, size);
}

function tooLarge(maxBytes: number, size: number): HttpProblem {
  return problem(413, 'body', `must be at most ${maxBytes} bytes`, size);
}

function problem(status: number, field: string, rule: string, value: unknown): HttpProblem {
  return new HttpProblem(status, `The request is refused: ${field} ${rule}.`, [{ field, rule, value }]);
}
