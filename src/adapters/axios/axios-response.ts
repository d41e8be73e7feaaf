import { AxiosHeaders, type AxiosResponse, isAxiosError } from 'axios';
import type { ResponseHead } from '../http-calls/http-request.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import type { ResponseKeeper } from '../http-calls/response-keeper.ts';

/** The response for which axios rejects, by its status, as its caller asked it to. @throws every other error */
export function responseOf(error: unknown): AxiosResponse {
  if (isAxiosError(error) && error.response) return error.response;
  throw error;
}

export function headOf(response: AxiosResponse): ResponseHead {
  return { status: response.status, headers: () => headersOf(response) };
}

/** Hands the body to those who learn from it. One that is a stream is its caller's alone. */
export function learnFrom(response: AxiosResponse, keeperOf: (head: ResponseHead) => ResponseKeeper | undefined): void {
  const bytes = bytesOf(response);
  const keeper = bytes && keeperOf(headOf(response));
  if (!keeper) return;
  keeper.add(bytes);
  keeper.end();
}

function bytesOf({ data, config }: AxiosResponse): Uint8Array | undefined {
  if (typeof data === 'string') return Buffer.from(data, (config.responseEncoding as BufferEncoding) ?? 'utf8');
  if (data instanceof Uint8Array) return data;
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}

function headersOf({ headers }: AxiosResponse): Readonly<Record<string, string>> {
  return joinedHeaders(AxiosHeaders.from(headers as never).toJSON());
}
