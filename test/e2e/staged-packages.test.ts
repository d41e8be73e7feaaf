import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../support/folders.ts';
import { LocalRegistry } from '../support/local-registry.ts';
import { withLockedVersion } from '../support/locked-version.ts';
import { exportsOf } from '../support/package-exports.ts';
import { Child, ROOT, type RunOptions } from '../support/processes.ts';

/** As the repository has them: what a user of the adapter brings, and the types that a consumer in TypeScript has anyway. */
const BESIDE = ['axios', '@types/node', '@types/express'];

let registry: LocalRegistry;
let project: TemporaryFolder;

beforeAll(async () => {
  registry = await LocalRegistry.start();
  project = temporaryFolder('consumer');
  write('package.json', JSON.stringify({ name: 'consumer', version: '1.0.0', private: true, type: 'module' }));
  const names = registry.packages.map(({ name }) => name);
  const installed = await run('npm', ['install', ...names, ...BESIDE.map(withLockedVersion)], {
    env: registry.environment,
  });
  expect(installed.exitCode, installed.output).toBe(0);
});

afterAll(() => {
  registry?.stop();
  project?.remove();
});

test('a package has JavaScript, declarations, a licence and a page of its own, and no TypeScript', () => {
  for (const { name, folder } of registry.packages) {
    const { devDependencies, ...manifest } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(devDependencies, name).toBeUndefined();
    expect(manifest.publishConfig, name).toEqual({ access: 'public' });
    expect(globSync('**/*.ts', { cwd: folder, exclude: (path) => path.endsWith('.d.ts') }), name).toEqual([]);
    expect(JSON.stringify(manifest), name).not.toMatch(/(?<!\.d)\.ts"/);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toMatch(/^MIT License/);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`npm install ${name}\n`);
  }
  expect(registry.packages.map(({ name }) => name)).not.toContain('@switchgear/demo');
});

test('every export can be imported and required, without type stripping', async () => {
  const specifiers = exportsOf(registry.packages).map(({ specifier }) => specifier);
  write(
    'exports.js',
    `import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    for (const specifier of ${JSON.stringify(specifiers)}) {
      const isJson = specifier.endsWith('.json');
      const imported = await import(specifier, isJson ? { with: { type: 'json' } } : {});
      if (require(specifier) !== imported && !isJson) console.log(specifier, 'is there twice');
      console.log(specifier);
    }`,
  );
  const { output, exitCode } = await run(process.execPath, ['--no-experimental-strip-types', 'exports.js'], {
    env: { OTEL_SDK_DISABLED: 'true' },
  });
  expect(output.trim().split('\n')).toEqual(specifiers);
  expect(exitCode).toBe(0);
});

test('the types of every export are there, and are no any', async () => {
  const typed = exportsOf(registry.packages).filter(({ isTyped }) => isTyped);
  write(
    'exports.ts',
    typed
      .map(({ specifier }, index) => `import * as module${index} from '${specifier}';\nvoid module${index};\n`)
      .join(''),
  );
  write(
    'service.ts',
    `import { httpAnswer } from '@switchgear/adapters/http-answers';
    import { type Breaker, bufferWire, createBreaker, isReceipt } from '@switchgear/breaker';
    import { readConfig } from '@switchgear/service-config';

    const payments = createBreaker('payments', { trip: { consecutive: 3 }, neutralWires: [bufferWire({ capacity: 10 })] });
    const charge = payments.protect(async (cents: number) => cents.toFixed());
    const charged = await charge(5);
    export const receipt: string = isReceipt(charged) ? charged.id : charged;
    export const wider: Pick<Breaker, 'state'> = payments;
    // @ts-expect-error a cooldown is milliseconds
    createBreaker('stock', { cooldownMs: 'long' });
    // @ts-expect-error the protected function takes a number
    await charge('five');
    // @ts-expect-error a text is read, not a path
    readConfig(new URL('file:///switchgear.yaml'));
    // @ts-expect-error no answer is made of nothing
    httpAnswer(7);\n`,
  );
  const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] };
  write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['exports.ts', 'service.ts'] }));
  const { output, exitCode } = await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.']);
  expect(output).toBe('');
  expect(exitCode).toBe(0);
});

test('the control plane starts, with its console', async () => {
  // Not by npx, which passes no SIGTERM on.
  const child = start(join(project.path, 'node_modules/.bin/switchgear-control-plane'), [], {
    env: { SWITCHGEAR_PORT: '0' },
  });
  onTestFinished(() => child.end());
  const [, url] = await child.waitForOutput(/listening on (http:\S+)/);
  const page = await (await fetch(url!)).text();
  const [, script] = /<script[^>]* src="([^"]+)"/.exec(page) ?? [];
  expect((await fetch(new URL(script!, url))).status).toBe(200);
});

test('switchgear checks a configuration, and knows its schema', async () => {
  mkdirSync(join(project.path, 'deploy'));
  write('deploy/switchgear.yaml', 'breakers:\n  payments: { cooldownMs: 5000 }\n');
  expect(await run('npx', ['switchgear', 'config', 'check', 'deploy/switchgear.yaml'])).toEqual({
    output: 'deploy/switchgear.yaml is in order: 1 breaker, 0 rules\n',
    exitCode: 0,
  });
  const { output } = await run('npx', ['switchgear', 'config', 'schema']);
  expect(JSON.parse(output).title).toBe('switchgear.yaml');
});

function write(path: string, text: string): void {
  writeFileSync(join(project.path, path), text);
}

function start(command: string, args: readonly string[], { env = {} }: RunOptions = {}): Child {
  return new Child(command, args, { cwd: project.path, env: { ...registry.environment, ...env } });
}

async function run(command: string, args: readonly string[], options: RunOptions = {}) {
  const child = start(command, args, options);
  const exitCode = await child.ended;
  return { output: child.output, exitCode };
}
