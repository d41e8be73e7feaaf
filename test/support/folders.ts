import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();
process.on('exit', () => {
  for (const folder of made) remove(folder);
});

export interface TemporaryFolder {
  readonly path: string;
  /** Deletes it with all that is in it; at the latest the end of this process does. */
  remove(): void;
}

export function temporaryFolder(purpose: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `switchgear-${purpose}-`));
  made.add(path);
  return { path, remove: () => remove(path) };
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  made.delete(folder);
}
