/**
 * Lines that a page shows, as a pattern for what was printed: `…` within a line stands for any characters, a line that is nothing
 * else for any number of lines. Spaces at the ends of lines and empty lines do not count.
 */
export function patternOf(shown: readonly string[]): string {
  return shown
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${line.trimEnd().split('…').map(literally).join('.*')}\\n`))
    .join('');
}

/** Whether it is all that was printed. */
export function showsAll(shown: readonly string[], printed: string): boolean {
  return new RegExp(`^${patternOf(shown)}$`).test(tidy(printed));
}

/** Where in the output lines stand that were printed one after the other: the end of the last of them; -1 where they do not. */
export function endOfShown(shown: readonly string[], printed: string): number {
  const found = new RegExp(`^${patternOf(shown)}`, 'm').exec(printed);
  return found ? found.index + found[0].length : -1;
}

function tidy(printed: string): string {
  const lines = printed.split('\n').map((line) => line.trimEnd());
  return lines
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
