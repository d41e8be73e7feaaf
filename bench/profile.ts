import { switchgear } from './cases/closed.ts';
import { diverting, rejecting } from './cases/open.ts';
import { sharedSwitchgear } from './cases/shared.ts';
import type { Contender } from './contender.ts';
import { Runner } from './side-by-side.ts';

/** The paths of the bench that have a loop of their own, for `node --cpu-prof bench/profile.ts closed`. */
const PATHS: Readonly<Record<string, () => Contender>> = {
  closed: () => switchgear('switchgear'),
  'closed-timeout': () => switchgear('switchgear', { timeoutMs: 10_000 }),
  rejected: rejecting,
  fallback: diverting,
  shared: sharedSwitchgear,
};

const SECONDS = 5;

const path = process.argv[2] ?? '';
const makeContender = PATHS[path];
if (makeContender) await profile(makeContender());
else {
  console.error(`Usage: node [--cpu-prof] bench/profile.ts ${Object.keys(PATHS).join('|')}`);
  process.exitCode = 2;
}

async function profile(contender: Contender): Promise<void> {
  const runner = new Runner(contender);
  for (let second = 1; second <= SECONDS; second++) {
    console.log(`${path}: ${(await runner.run(1_000)).toFixed(0)} ns/call`);
  }
  runner.check();
}
