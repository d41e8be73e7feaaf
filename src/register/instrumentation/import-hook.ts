import { register } from 'node:module';
import { diag } from '@opentelemetry/api';
import { register as registerInThread, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';

/**
 * Lets instrumentations see what the service loads by `import`; what it loads by `require` they see anyway. Only `modules` are looked
 * at, so that all others load as fast as before.
 */
export function hookImports(modules: readonly string[]): void {
  const include = [...new Set(modules)];
  if (include.length === 0) return;
  try {
    if (supportsSyncHooks()) registerInThread({ include });
    else register('import-in-the-middle/hook.mjs', import.meta.url, { data: { include } });
  } catch (error) {
    diag.warn(`Modules that are loaded by import are not instrumented: ${(error as Error).message}`);
  }
}
