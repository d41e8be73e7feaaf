import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Row } from './rows.ts';
import { markdownTable, verdict } from './table.ts';

const BEGIN = '<!-- bench: written by --markdown -->';
const END = '<!-- /bench -->';

/** Where and when figures were made. */
export interface Circumstances {
  readonly date: string;
  readonly node: string;
  readonly machine: string;
}

export function circumstances(): Circumstances {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    machine: `${availableParallelism()} cores, ${process.platform} ${process.arch}`,
  };
}

/** @throws where the file cannot be read or has no marks */
export async function checkPlace(file: string): Promise<void> {
  findPlace(file, await readFile(file, 'utf8'));
}

/**
 * Puts the table between the marks of a Markdown file; the rest of it stays.
 * @throws where the file has no marks
 */
export async function writeResults(file: string, rows: readonly Row[], at: Circumstances): Promise<void> {
  const text = await readFile(file, 'utf8');
  const { begin, end } = findPlace(file, text);
  const heading = `${at.date}, Node.js ${at.node.slice(1)}, ${at.machine}: ${verdict(rows)}.`;
  const table = `${BEGIN}\n${heading}\n\n${markdownTable(rows)}\n`;
  await writeFile(file, text.slice(0, begin) + table + text.slice(end));
}

function findPlace(file: string, text: string): { begin: number; end: number } {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${file} has no place for the table: ${BEGIN} … ${END}`);
  return { begin, end };
}
