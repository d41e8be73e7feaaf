import pino, { type Logger } from 'pino';
import type { LogLevel } from './options.ts';

/** JSON lines on stderr, written at once and not in the background: the last lines before an end are those that matter. */
export function createLog(level: LogLevel): Logger {
  return pino({ level }, pino.destination({ fd: 2, sync: true }));
}
