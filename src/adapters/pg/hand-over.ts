/** Hands the end of a call to its caller's callback. What that throws is nobody's rejection: it is uncaught, as it was before. */
export function handOver<T>(ended: Promise<T>, good: (value: T) => void, bad: (error: unknown) => void): void {
  ended.then(
    (value) => queueMicrotask(() => good(value)),
    (error) => queueMicrotask(() => bad(error)),
  );
}
