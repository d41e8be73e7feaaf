import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { HttpAnswer } from '../http-calls/http-answer.ts';

/**
 * The answer of a neutral wire as an adapter's response: `transformResponse` is still to come.
 * @throws AxiosError with the response where `validateStatus` does not want its status
 */
export function answerAxios({ status, headers, body }: HttpAnswer, config: InternalAxiosRequestConfig): AxiosResponse {
  const response: AxiosResponse = {
    data: dataOf(body, config),
    status,
    statusText: STATUS_CODES[status] ?? '',
    headers: new AxiosHeaders({ ...headers }),
    config,
  };
  const { validateStatus } = config;
  if (!validateStatus || validateStatus(status)) return response;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  throw new AxiosError(`Request failed with status code ${status}`, code, config, undefined, response);
}

function dataOf(body: Uint8Array, { responseType, responseEncoding }: InternalAxiosRequestConfig): unknown {
  const bytes = Buffer.from(body);
  if (responseType === 'arraybuffer') return bytes;
  if (responseType === 'stream') return Readable.from([bytes], { objectMode: false });
  if (responseType === 'blob') return new Blob([bytes]);
  const text = bytes.toString((responseEncoding as BufferEncoding | undefined) ?? 'utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
