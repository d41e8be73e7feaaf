import type { IncomingMessage } from 'node:http';

/** By lower-case name; several values of one name joined by `, `. */
export function headersOfResponse({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
