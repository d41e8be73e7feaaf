import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Changes the machine and the windows in a thousand small ways, and counts the changes that no test notices. */
const config = {
  mutate: ['src/breaker/machine/*.ts', 'src/breaker/window/*.ts'],
  testRunner: 'vitest',
  vitest: { configFile: 'test/support/mutation/vitest.config.ts' },
  thresholds: { high: 95, low: 90, break: 90 },
  reporters: ['clear-text'],
  // Beside the checkout, so that nobody's test run finds the copies.
  tempDirName: join(tmpdir(), 'switchgear-mutation'),
  cleanTempDir: 'always',
  // It reads a tsconfig with TypeScript's compiler API, which TypeScript 7 does not have. Types are stripped anyway.
  tsconfigFile: 'none',
  disableTypeChecks: false,
};

export default config;
