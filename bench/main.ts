import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { measure } from 'mitata';
import { cases, type Peer } from './cases.ts';

const HELP = `Usage: npm run bench -- [--json FILE]

Times one call through each breaker, side by side in one process, no SDK registered.
  --json FILE  also writes the figures to FILE
  --help       prints this`;

const { values } = parseArgs({ options: { json: { type: 'string' }, help: { type: 'boolean' } } });
if (values.help) console.log(HELP);
else await run(values.json);

interface Row {
  readonly case: string;
  readonly peer: Peer;
  /** Median ns of one call. */
  readonly medianNs: number;
  /** Of Switchgear's median to this peer's. */
  readonly ratio: number | null;
}

async function run(file: string | undefined): Promise<void> {
  const rows: Row[] = [];
  for (const { name, calls } of await cases()) {
    const medians = new Map<Peer, number>();
    for (const [peer, call] of calls) medians.set(peer, (await measure(call)).p50);
    const own = medians.get('switchgear');
    for (const [peer, medianNs] of medians) {
      const ratio = own === undefined || peer === 'switchgear' ? null : own / medianNs;
      rows.push({ case: name, peer, medianNs, ratio });
      const shown = ratio === null ? '' : `switchgear / ${peer} = ${ratio.toFixed(2)}`;
      console.log(`${name.padEnd(28)} ${peer.padEnd(12)} ${medianNs.toFixed(0).padStart(8)} ns  ${shown}`);
    }
  }
  if (file) await writeFile(file, `${JSON.stringify({ node: process.version, rows }, null, 2)}\n`);
}
