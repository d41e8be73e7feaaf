import type { InternalAxiosRequestConfig } from 'axios';
import { isTimeoutReason } from '../http-calls/timeout-reason.ts';

/** How the caller of a request takes it back. */
interface AxiosCaller {
  /** Aborts as it does. A deadline of the caller is none: that the answer took too long is news of the other side. */
  readonly signal: AbortSignal | undefined;
  stop(): void;
}

/** By `signal`, by the former `cancelToken`, or not at all. */
export function callerOf({ signal, cancelToken }: InternalAxiosRequestConfig): AxiosCaller {
  if (!signal && !cancelToken) return NOBODY;
  const controller = new AbortController();
  const leave = (reason?: unknown) => controller.abort(reason);
  const onAbort = () => {
    const reason: unknown = 'reason' in signal! ? signal.reason : undefined;
    if (!isTimeoutReason(reason)) leave(reason);
  };
  signal?.addEventListener?.('abort', onAbort);
  cancelToken?.subscribe(leave);
  return {
    signal: controller.signal,
    stop() {
      signal?.removeEventListener?.('abort', onAbort);
      cancelToken?.unsubscribe(leave);
    },
  };
}

const NOBODY: AxiosCaller = { signal: undefined, stop: () => {} };
