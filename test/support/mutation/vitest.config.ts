import { defineConfig } from 'vitest/config';

/** The tests that hold the machine and the windows, with few sequences per property: a mutant is run hundreds of times. */
export default defineConfig({
  test: {
    include: ['test/breaker/{machine,window}/**/*.test.ts', 'test/property/{machine,*window}*.test.ts'],
    env: { SWITCHGEAR_PROPERTY_RUNS: '200' },
  },
});
