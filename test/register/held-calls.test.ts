import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Dependency, startDependency } from '../support/dependency.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type Child, ROOT, runNode } from '../support/processes.ts';

const CALLS = 7;

/** What a wire has counted, of a service in its last moment. */
interface Counted {
  readonly buffered: number;
  readonly replayed: number;
  readonly dead: number;
  readonly dropped: number;
  readonly depth: number;
}

interface Counts {
  readonly outbox: Counted;
  readonly ledger: Counted;
}

describe('a service that holds calls, told to end by SIGTERM', () => {
  let dependency: Dependency;
  let spool: string;

  beforeEach(async () => {
    dependency = await startDependency();
    onTestFinished(() => dependency.stop());
    const folder = temporaryFolder('held-calls');
    onTestFinished(() => folder.remove());
    spool = join(folder.path, 'ledger.db');
    for (const path of ['/mail', '/payments']) dependency.turn(path, 'failing');
  });

  test('drains its memory where the dependency is well, keeps what is on disk, and drains that at its next start', async () => {
    const first = await start(CALLS, { SWITCHGEAR_DRAIN_MS: '5000' });
    dependency.turn('/mail', 'well');
    const before = await endOf(first);
    expect(before.outbox).toMatchObject({ buffered: CALLS, replayed: CALLS, dropped: 0, depth: 0 });
    expect(before.ledger).toMatchObject({ buffered: CALLS, replayed: 0, dropped: 0, depth: CALLS });
    expect(first.output).not.toMatch(/gave up/);

    dependency.turn('/payments', 'well');
    const second = await start(0);
    await drained(second);
    const after = await endOf(second);
    expect(after.ledger).toMatchObject({ buffered: CALLS, replayed: CALLS, dropped: 0, depth: 0 });
    expect(after.outbox).toMatchObject({ buffered: 0, depth: 0 });
    for (const path of ['/mail', '/payments']) expect([...dependency.served(path).keys()]).toEqual(everyId());
    addUp(before, after);
  });

  test('names what its memory gives up where the dependency stays ill, and keeps what is on disk', async () => {
    const first = await start(CALLS, { SWITCHGEAR_DRAIN_MS: '300' });
    const before = await endOf(first);
    expect(first.output.split('\n').filter((line) => line.includes('gave up'))).toEqual([
      `switchgear: Breaker "mail" gave up held calls at its close: ${CALLS} of wire "outbox"`,
    ]);
    expect(before.outbox).toMatchObject({ buffered: CALLS, replayed: 0, dropped: CALLS, depth: 0 });
    expect(before.ledger).toMatchObject({ buffered: CALLS, replayed: 0, dropped: 0, depth: CALLS });

    for (const path of ['/mail', '/payments']) dependency.turn(path, 'well');
    const second = await start(0);
    await drained(second);
    const after = await endOf(second);
    expect(after.ledger).toMatchObject({ buffered: CALLS, replayed: CALLS, dropped: 0, depth: 0 });
    expect(dependency.served('/mail').size).toBe(0);
    expect([...dependency.served('/payments').keys()]).toEqual(everyId());
    addUp(before, after);
  });

  /** Starts the service on the same spool; it holds so many calls of each breaker. */
  async function start(calls: number, env: Readonly<Record<string, string>> = {}): Promise<Child> {
    const child = runNode(join(ROOT, 'test/support/held-calls-main.ts'), [String(calls)], {
      env: {
        NODE_OPTIONS: `--import=${join(ROOT, 'src/register/index.ts')}`,
        OTEL_SDK_DISABLED: 'true',
        DEPENDENCY_URL: dependency.url,
        SPOOL: spool,
        ...env,
      },
    });
    onTestFinished(() => child.crash());
    await child.waitForOutput(/^held$/m);
    return child;
  }
});

function everyId(): string[] {
  return Array.from({ length: CALLS }, (_, index) => String(index + 1));
}

async function drained(child: Child): Promise<void> {
  await child.waitUntil('the ledger to be empty', () => {
    const { ledger } = countedIn(child);
    return ledger.buffered > 0 && ledger.depth === 0;
  });
}

/** Sends SIGTERM; resolves with what was counted once the service has ended by it. */
async function endOf(child: Child): Promise<Counts> {
  await child.end(15_000);
  expect(child.output, 'it was let go of').toMatch(/^ends$/m);
  expect(await child.ended, 'and ended by the signal').toBeNull();
  return countedIn(child);
}

/** Received = replayed + dead + dropped + held, over both starts: the spool on disk knows of the first one. */
function addUp(before: Counts, after: Counts): void {
  for (const wires of [[before.outbox, after.outbox], [after.ledger]]) {
    const sum = (of: (wire: Counted) => number) => wires.reduce((total, wire) => total + of(wire), 0);
    expect(sum(({ buffered }) => buffered)).toBe(CALLS);
    expect(sum(({ replayed, dead, dropped, depth }) => replayed + dead + dropped + depth)).toBe(CALLS);
  }
}

function countedIn(child: Child): Counts {
  const counters = child.output.split('\n').findLast((line) => /^counters .*\}$/.test(line));
  return JSON.parse(counters?.slice('counters '.length) ?? 'null');
}
