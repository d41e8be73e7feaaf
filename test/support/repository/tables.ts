import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** The text of a document of the checkout. */
export function documentText(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/**
 * A table of a document: each row by the headings of its columns.
 * @param heading of the section, without its number signs
 * @param index of the table in its section
 * @throws Error where there is no such table
 */
export function tableOf(page: string, heading: string, index = 0): Record<string, string>[] {
  const section = documentText(page)
    .split(/^#+ /m)
    .find((part) => part.startsWith(`${heading}\n`));
  const tables = section?.match(/^(?:\|.*\n)+/gm) ?? [];
  const [columns, , ...rows] = (tables[index] ?? '').trim().split('\n').map(cellsOf);
  if (columns === undefined || rows.length === 0) throw new Error(`${page} has no table ${index} under "${heading}"`);
  return rows.map((cells) => Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ''])));
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}
