import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DiagLogger, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEnvironment } from '../../../src/register/environment.ts';
import { ServiceGuards } from '../../../src/register/guards/service-guards.ts';
import { createInstrumentations, modulesOf } from '../../../src/register/instrumentation/instrumentations.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/folders.ts';

let folder: TemporaryFolder;
let told: string[];
beforeEach(() => {
  folder = temporaryFolder('instrumentations');
  told = [];
});
afterEach(() => {
  diag.disable();
  folder.remove();
});

describe('the instrumentations to start', () => {
  test('are those of http and undici where nothing is said', () => {
    expect(chosen({})).toEqual(['http', 'undici']);
  });

  test('are those of the file', () => {
    expect(chosen({}, { telemetry: { instrumentations: ['http', 'pg'] } })).toEqual(['http', 'pg']);
    expect(chosen({}, { telemetry: { instrumentations: [] } })).toEqual([]);
  });

  test('are those of the environment before those of the file, without those it disables', () => {
    const file = { telemetry: { instrumentations: ['http', 'pg', 'undici'] } };
    expect(chosen({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'undici,pg' }, file)).toEqual(['undici', 'pg']);
    expect(chosen({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pg' }, file)).toEqual(['http', 'undici']);
    expect(chosen({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http' })).toEqual(['undici']);
  });

  test('need no file, and none is read, where guards are off', () => {
    expect(chosen({ SWITCHGEAR_GUARDS: 'off' }, { telemetry: { instrumentations: ['pg'] } })).toEqual([
      'http',
      'undici',
    ]);
  });
});

test('one that the service has not installed is told in one line, and the others are there', () => {
  diag.setLogger({ warn: (line: string) => told.push(line) } as unknown as DiagLogger);
  const made = createInstrumentations(['http', 'no-such-client', 'undici']);
  expect(made.map(({ instrumentationName }) => instrumentationName)).toEqual([
    '@opentelemetry/instrumentation-http',
    '@opentelemetry/instrumentation-undici',
  ]);
  expect(modulesOf(made)).toEqual(['https', 'http']);
  expect(told).toEqual([
    'No instrumentation "no-such-client" (@opentelemetry/instrumentation-no-such-client): the service has not installed it',
  ]);
});

function chosen(env: NodeJS.ProcessEnv, file?: object): readonly string[] {
  const path = join(folder.path, 'switchgear.yaml');
  writeFileSync(path, file ? JSON.stringify(file) : '');
  const { environment } = readEnvironment({ SWITCHGEAR_CONFIG: path, ...env });
  return new ServiceGuards(environment, (line) => told.push(line)).instrumentations;
}
