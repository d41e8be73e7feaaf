/** Most characters of a query that are read to find its command: a long comment may stand in front of it. */
const MOST_READ = 2_000;

/** The command of a query in capitals, such as `SELECT`; empty where there is none. */
export function sqlCommand(text: string): string {
  const start = skipToWord(text);
  let end = start;
  while (end < text.length && isLetter(text.charCodeAt(end))) end += 1;
  return text.slice(start, end).toUpperCase();
}

/** Past blanks, comments and what may stand before a SELECT in brackets. */
function skipToWord(text: string): number {
  const last = Math.min(text.length, MOST_READ);
  let at = 0;
  while (at < last) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code === BRACKET) at += 1;
    else if (text.startsWith('--', at)) at = after(text, '\n', at);
    else if (text.startsWith('/*', at)) at = after(text, '*/', at);
    else return at;
  }
  return text.length;
}

const SPACE = 32;
const BRACKET = 40;

function after(text: string, end: string, at: number): number {
  const found = text.indexOf(end, at);
  return found < 0 ? text.length : found + end.length;
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
