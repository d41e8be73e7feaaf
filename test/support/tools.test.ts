import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findTool, requireTool } from './tools.ts';

describe('tools of the tests', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchgear-tools-'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  test('a program is found by its full path', () => {
    writeFileSync(join(folder, 'promtool-of-test'), '', { mode: 0o755 });
    expect(findTool('promtool-of-test', `/nowhere:${folder}`)).toBe(join(folder, 'promtool-of-test'));
  });

  test('a file that cannot be executed and a folder are not programs', () => {
    writeFileSync(join(folder, 'plain'), '', { mode: 0o644 });
    expect(findTool('.', folder)).toBeUndefined();
    if (process.getuid?.() !== undefined) expect(findTool('plain', folder)).toBeUndefined();
  });

  test('a missing program is undefined on a workstation', () => {
    vi.stubEnv('CI', '');
    expect(requireTool('no-such-program', 'no-such-package')).toBeUndefined();
  });

  test('a missing program is an error with CI=true and says which package has it', () => {
    vi.stubEnv('CI', 'true');
    expect(() => requireTool('no-such-program', 'some-package')).toThrow('apt-get install some-package');
  });
});
