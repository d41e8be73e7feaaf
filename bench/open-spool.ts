import { sqliteSpool } from '@switchgear/breaker';
import { report } from './child-process.ts';

/** What it takes to open a spool that is there, in a process that has done nothing else. */
export interface SpoolOpened {
  readonly ms: number;
  readonly bytes: number;
  readonly held: number;
}

const [breaker, wire, file] = process.argv.slice(2) as [string, string, string];
// Loading SQLite itself is not the spool's.
await import('node:sqlite');
globalThis.gc!();
const bytesBefore = process.memoryUsage().rss;
const spool = sqliteSpool(file);
const began = performance.now();
await spool.open({ breaker, wire });
const held = spool.load().depth;
const ms = performance.now() - began;
report({ ms, bytes: process.memoryUsage().rss - bytesBefore, held } satisfies SpoolOpened);
