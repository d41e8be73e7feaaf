/**
 * Headers as a record by lower-case name, several values of one name joined by `, `: out of a record, of pairs, or of a list
 * in which names and values take turns.
 */
export function joinedHeaders(given: unknown): Readonly<Record<string, string>> {
  const joined: Record<string, string> = {};
  for (const [name, value] of pairsOf(given)) {
    if (value === undefined || value === null) continue;
    const key = String(name).toLowerCase();
    const text = Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value);
    joined[key] = Object.hasOwn(joined, key) ? `${joined[key]}, ${text}` : text;
  }
  return joined;
}

function pairsOf(given: unknown): Iterable<readonly [name: unknown, value: unknown]> {
  if (typeof given !== 'object' || given === null) return [];
  if (Array.isArray(given) && !Array.isArray(given[0])) return takingTurns(given);
  if (Symbol.iterator in given) return given as Iterable<readonly [unknown, unknown]>;
  return Object.entries(given);
}

function* takingTurns(list: readonly unknown[]): Generator<readonly [unknown, unknown]> {
  for (let at = 0; at + 1 < list.length; at += 2) yield [list[at], list[at + 1]];
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
}
