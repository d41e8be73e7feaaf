import type { ResponseKeeper } from '../http-calls/response-keeper.ts';

/**
 * Keeps a copy of what its caller reads of a response. At most `mostBytes` are read ahead of the caller; of a larger
 * body the copy is let go, and the caller's goes on as it would.
 */
export function learnFrom(response: Response, keeper: ResponseKeeper): void {
  if (!response.body) {
    keeper.end();
    return;
  }
  if (Number(response.headers.get('content-length')) > keeper.mostBytes) return;
  // A response that breaks off is the caller's to hear of.
  readInto(response.clone(), keeper).catch(() => undefined);
}

async function readInto(copy: Response, keeper: ResponseKeeper): Promise<void> {
  for await (const chunk of copy.body as AsyncIterable<Uint8Array>) {
    // Leaving the loop cancels the copy.
    if (!keeper.add(chunk)) return;
  }
  keeper.end();
}
