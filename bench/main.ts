import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { runChild } from './child-process.ts';
import type { Measurement } from './measurement.ts';
import { checkPlace, circumstances, writeResults } from './results-file.ts';
import { type Row, rowsOf } from './rows.ts';
import { plainTable, verdict } from './table.ts';

const HELP = `Usage: npm run bench -- [--only CASE]... [--json FILE] [--markdown FILE]

Measures Switchgear beside bare calls, cockatiel, opossum and mollitia, and holds the figures against the goals. Each
case has a process of its own, its peers in it. A goal that is missed is no failure; a case that cannot run is one.
  --only CASE      runs that case alone; may be given several times
  --json FILE      also writes the figures to FILE
  --markdown FILE  also puts the whole table between the marks of FILE, such as bench/RESULTS.md
  --help           prints this

Cases: ${Object.keys(CASES).join(', ')}`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    markdown: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const asked = values.only ?? Object.keys(CASES);
const unknown = asked.filter((name) => !(name in CASES));
if (values.help) console.log(HELP);
else if (unknown.length > 0)
  fail(`no case is called ${unknown.join(', ')}; there are ${Object.keys(CASES).join(', ')}`);
else if (values.only && values.markdown) fail('--markdown takes the whole table, so it does not go with --only');
else {
  // Before the minutes it takes, and not after them.
  if (values.markdown) await checkPlace(values.markdown);
  await run(asked);
}

async function run(names: readonly string[]): Promise<void> {
  const rows: Row[] = [];
  const broken: string[] = [];
  for (const [index, name] of names.entries()) {
    process.stderr.write(`${index + 1}/${names.length} ${name}\n`);
    try {
      const measured = await runChild<Measurement[]>(new URL('./run-case.ts', import.meta.url), [name]);
      rows.push(...measured.flatMap(rowsOf));
    } catch (error) {
      broken.push(`could not run: ${(error as Error).message}`);
    }
  }
  console.log(plainTable(rows));
  const at = circumstances();
  if (values.json) await writeFile(values.json, `${JSON.stringify({ ...at, rows }, null, 2)}\n`);
  if (values.markdown && broken.length === 0) await writeResults(values.markdown, rows, at);
  for (const line of broken) fail(line);
  console.log(verdict(rows));
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
