/**
 * Loaded before the control plane with `--import`: when the demo is gone, however it went, nothing of it stays behind,
 * also not the folder that was only for this run.
 */
import { rmSync } from 'node:fs';

process.on('disconnect', () => {
  const folder = process.env.DEMO_TEMPORARY_FOLDER;
  if (folder) process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.kill(process.pid, 'SIGTERM');
});
