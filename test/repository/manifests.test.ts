import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readManifest } from '../support/architecture/project.ts';
import type { LockFile } from '../support/repository/one-set.ts';

const root = join(import.meta.dirname, '../..');
const manifest = readManifest(root);
const folders = manifest.workspaces ?? [];
const workspaces = folders.map((folder) => ({ folder, manifest: readManifest(join(root, folder)) }));
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile;

test('every workspace has the version of the repository, and asks for its siblings in that version', () => {
  const version = manifest.version!;
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  for (const workspace of workspaces) {
    expect(workspace.manifest.version, workspace.folder).toBe(version);
    const siblings = Object.entries(workspace.manifest.dependencies ?? {}).filter(([name]) =>
      name.startsWith('@switchgear/'),
    );
    for (const [name, asked] of siblings) expect(asked, `${workspace.folder} asks for ${name}`).toBe(version);
  }
});

test('every workspace is named after its folder', () => {
  for (const { folder, manifest } of workspaces) expect(manifest.name).toBe(folder.replace('src/', '@switchgear/'));
});

test('what is published is MIT, and so is the repository', () => {
  expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toMatch(/^MIT License/);
  for (const { manifest: checked, folder } of [{ manifest, folder: '.' }, ...workspaces]) {
    expect(checked.license, folder).toBe('MIT');
  }
});

test('the lock file has the workspaces of the manifest, in their versions', () => {
  for (const { folder, manifest: workspace } of workspaces) {
    expect(lock.packages[folder]?.version, folder).toBe(workspace.version);
    expect(lock.packages[`node_modules/${workspace.name}`], folder).toMatchObject({ link: true, resolved: folder });
  }
});

test('no configuration of npm is in the repository: it would choose a registry for others', () => {
  expect(existsSync(join(root, '.npmrc'))).toBe(false);
});
