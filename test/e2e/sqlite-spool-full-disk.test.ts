import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteSpool } from '../../src/breaker/neutral/spool/sqlite-spool.ts';
import { temporaryFolder } from '../support/folders.ts';
import { Child } from '../support/processes.ts';

const PROGRAM = join(import.meta.dirname, '../support/full-disk-main.ts');

// The operating system refuses the writes, as it does on a disk that is full: a limit on the length of files.
test.skipIf(process.platform !== 'linux')(
  'a spool whose writes fail refuses calls, loses none, and goes on',
  async () => {
    const folder = temporaryFolder('full-disk');
    const file = join(folder.path, 'calls.db');
    const limited = 'ulimit -S -f 1024; exec "$0" "$@"';
    const child = new Child('bash', ['-c', limited, process.execPath, PROGRAM, file]);
    const [, appended, depth] = await child.waitForOutput(/full (\d+) (\d+)/);
    expect(Number(appended)).toBeGreaterThan(20);
    expect(depth).toBe(appended);
    execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited']);
    const [, after, hasEnded] = await child.waitForOutput(/room (\d+) (\w+)/);
    expect(await child.ended).toBe(0);

    const spool = sqliteSpool(file);
    const { totals, damage } = await spool.open({ breaker: 'full', wire: 'buffer' });
    expect(damage).toBeUndefined();
    const held = (await spool.peek(10_000)).map(({ id }) => Number(id));
    await spool.close();
    const left = hasEnded === 'true' ? 1 : 0;
    expect(held).toEqual(Array.from({ length: Number(appended) + 1 - left }, (_, index) => index + left));
    expect(held).toHaveLength(Number(after));
    expect(totals).toMatchObject({ received: Number(appended) + 1, replayed: left });
    folder.remove();
  },
);
