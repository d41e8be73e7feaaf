import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes JSON that only this user may read, whole or not at all: it holds tokens, and others wait for it. */
export function writeReport(file: string, content: unknown): void {
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new Error(`--json cannot write ${file}: ${(error as Error).message}`);
  }
}
