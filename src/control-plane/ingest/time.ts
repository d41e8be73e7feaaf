/**
 * Nanoseconds since the epoch, as OTLP has times, to the nearest millisecond; 0 stays 0, which OTLP means as "unknown".
 * A double holds today's nanoseconds to 256 ns, so rounding down would turn some whole milliseconds into the one before.
 */
export function nanosToMs(nanos: number): number {
  return Math.round(nanos / 1e6);
}
