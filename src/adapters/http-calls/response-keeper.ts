import type { Breaker } from '@switchgear/breaker';
import { HttpAnswer } from './http-answer.ts';
import type { HttpRequest, ResponseHead } from './http-request.ts';
import type { HttpWire } from './http-wire.ts';

/** Keeps what passes of a response, for the wires that learn from it. */
export interface ResponseKeeper {
  /** Most bytes that are kept; of a larger body nothing is learned. */
  readonly mostBytes: number;
  /** A part of the body. Returns false where no more is kept. */
  add(chunk: Uint8Array): boolean;
  /** The body is whole: the wires learn it. */
  end(): void;
}

/**
 * For a response that `guardExchange` left to the caller: what its wires want kept of it, undefined where none wants anything.
 * To be asked before the caller can read the body.
 * @param headers of the body as it is kept: without `content-encoding` where the adapter decodes it
 */
export function responseKeeper(
  breaker: Breaker,
  request: HttpRequest,
  head: ResponseHead,
  headers: () => Readonly<Record<string, string>> = () => head.headers(),
): ResponseKeeper | undefined {
  const asking = (breaker.neutralWires as readonly HttpWire[])
    .map((wire) => ({ wire, mostBytes: (wire.learnResponse && wire.responseBytes?.(request)) || 0 }))
    .filter(({ mostBytes }) => mostBytes > 0);
  if (asking.length === 0) return undefined;
  const mostBytes = Math.max(...asking.map((asked) => asked.mostBytes));
  let chunks: Uint8Array[] | undefined = [];
  let bytes = 0;
  return {
    mostBytes,
    add(chunk) {
      bytes += chunk.byteLength;
      if (bytes > mostBytes) chunks = undefined;
      // A copy: the chunk belongs to its reader.
      chunks?.push(Uint8Array.from(chunk));
      return chunks !== undefined;
    },
    end() {
      if (!chunks) return;
      const answer = new HttpAnswer(head.status, headers(), Buffer.concat(chunks));
      chunks = undefined;
      for (const asked of asking) if (bytes <= asked.mostBytes) asked.wire.learnResponse?.(request, answer);
    },
  };
}
