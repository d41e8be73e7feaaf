import { CASES } from './cases.ts';
import { report } from './child-process.ts';

/** The program of one case: `main.ts` starts it with the name. */
const load = CASES[process.argv[2] ?? ''];
if (!load) throw new Error(`no case is called ${process.argv[2]}`);
const run = await load();
report(await run());
