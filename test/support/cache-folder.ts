import { homedir } from 'node:os';
import { join } from 'node:path';

/** What runs of the tests and the bench keep outside the checkout for the ones after them: `~/.cache/switchgear`, or where the environment says. */
export function cacheFolder(): string {
  const base = process.env.SWITCHGEAR_CACHE ?? process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(base, 'switchgear');
}
