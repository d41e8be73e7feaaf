/** Starts a stopwatch; it tells the milliseconds this thread has worked since, without those it had to wait for a core. */
export function threadStopwatch(): () => number {
  const before = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  };
}
