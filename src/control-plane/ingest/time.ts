/** Nanoseconds since the epoch, as OTLP has times, to whole milliseconds; 0 stays 0, which OTLP means as "unknown". */
export function nanosToMs(nanos: number): number {
  return Math.floor(nanos / 1e6);
}
