/** Whether an abort has the reason of `AbortSignal.timeout`: a deadline of the caller is over, which is news of the other side. */
export function isTimeoutReason(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
