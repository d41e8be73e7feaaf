import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceConfig } from '@switchgear/service-config';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigSource, findConfigFile } from '../../../src/register/config/config-source.ts';

let folder: string;
let path: string;
let told: string[];
let source: ConfigSource;
let seen: ServiceConfig[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchgear-config-'));
  path = join(folder, 'switchgear.yaml');
  told = [];
  seen = [];
  source = new ConfigSource(path, (line) => told.push(line));
});

afterEach(() => {
  source.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the file', () => {
  test('is the one that is named, or the usual one of the folder, or none', () => {
    expect(findConfigFile(undefined, folder)).toBeNull();
    writeFileSync(join(folder, 'switchgear.yml'), '');
    expect(findConfigFile(undefined, folder)).toBe(join(folder, 'switchgear.yml'));
    writeFileSync(path, '');
    expect(findConfigFile(undefined, folder)).toBe(path);
    expect(findConfigFile('deploy/other.yaml', folder)).toBe(join(folder, 'deploy/other.yaml'));
  });

  test('that cannot be read is told, and says nothing', () => {
    expect(source.read()).toBeUndefined();
    expect(told).toEqual(['switchgear.yaml cannot be read (ENOENT); until it is, breakers only look on']);
  });

  test('that is bad is told with line and column', () => {
    writeFileSync(path, 'mode: auto\nbreakers: 7\n');
    expect(source.read()).toBeUndefined();
    expect(told[0]).toBe('switchgear.yaml:2:1 `breakers` must be an object, got 7');
    expect(told[1]).toContain('not in force');
  });
});

describe('a change', () => {
  beforeEach(() => {
    writeFileSync(path, 'mode: auto\n');
    expect(source.read()).toEqual({ mode: 'auto' });
    source.follow((config) => seen.push(config));
  });

  test('of the text is seen', async () => {
    writeFileSync(path, 'mode: shadow\n');
    await vi.waitFor(() => expect(seen).toEqual([{ mode: 'shadow' }]), 5_000);
  });

  test('by a file that is moved into its place is seen, as editors do it', async () => {
    writeFileSync(join(folder, '.new'), 'mode: disabled\n');
    renameSync(join(folder, '.new'), path);
    await vi.waitFor(() => expect(seen).toEqual([{ mode: 'disabled' }]), 5_000);
  });

  test('to a bad file is told, and to a good one after it is seen', async () => {
    writeFileSync(path, 'mode: on\n');
    await vi.waitFor(() => expect(told.join()).toContain('switchgear.yaml:1:1 `mode` must be one of'), 5_000);
    expect(seen).toEqual([]);
    writeFileSync(path, 'mode: shadow\n');
    await vi.waitFor(() => expect(seen).toEqual([{ mode: 'shadow' }]), 5_000);
    expect(told.at(-1)).toBe('switchgear.yaml is in order and in force again');
    expect(told.at(-2)).toBe('switchgear.yaml is not in force; what was in force stays');
  });

  test('that leaves the text as it was is none', () => {
    writeFileSync(path, 'mode: auto\n');
    process.emit('SIGHUP', 'SIGHUP');
    expect(seen).toEqual([]);
  });

  test('is seen at SIGHUP at once', () => {
    writeFileSync(path, 'mode: shadow\n');
    process.emit('SIGHUP', 'SIGHUP');
    expect(seen).toEqual([{ mode: 'shadow' }]);
  });

  test('after close is not seen, and SIGHUP is the process own again', () => {
    source.close();
    writeFileSync(path, 'mode: shadow\n');
    expect(process.listenerCount('SIGHUP')).toBe(0);
    expect(seen).toEqual([]);
  });
});

test('a link that is turned to another folder is seen, as Kubernetes mounts a ConfigMap', async () => {
  for (const version of ['v1', 'v2']) mkdirSync(join(folder, version));
  writeFileSync(join(folder, 'v1/switchgear.yaml'), 'mode: auto\n');
  writeFileSync(join(folder, 'v2/switchgear.yaml'), 'mode: shadow\n');
  symlinkSync('v1', join(folder, '..data'));
  symlinkSync('..data/switchgear.yaml', path);
  source.read();
  source.follow((config) => seen.push(config));
  symlinkSync('v2', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await vi.waitFor(() => expect(seen).toEqual([{ mode: 'shadow' }]), 5_000);
});
