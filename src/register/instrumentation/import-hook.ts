import { createRequire, isBuiltin, register, syncBuiltinESMExports } from 'node:module';
import { diag } from '@opentelemetry/api';
import { register as registerInThread, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';

/**
 * Lets instrumentations see what the service loads by `import`; what it loads by `require` they see anyway. Only `modules` are looked
 * at, so that all others load as fast as before.
 */
export function hookImports(modules: readonly string[]): void {
  const include = [...new Set(modules)];
  patchBuiltins(include.filter(isBuiltin));
  hookPackages(include.filter((name) => !isBuiltin(name)));
}

/**
 * Node's own modules are there already: they are patched once, as by `require`, and for `import` as well. A hook would let an
 * instrumentation see such a module twice, by `require` from within the hook first, and it patches it but once.
 */
function patchBuiltins(names: readonly string[]): void {
  const require = createRequire(import.meta.url);
  for (const name of names) require(name);
  syncBuiltinESMExports();
}

function hookPackages(include: readonly string[]): void {
  if (include.length === 0) return;
  try {
    if (supportsSyncHooks()) registerInThread({ include: [...include] });
    // Before Node.js 22.22.3 and 24.11.1, a thread of its own resolves for all.
    else register('import-in-the-middle/hook.mjs', import.meta.url, { data: { include } });
  } catch (error) {
    diag.warn(`Modules that are loaded by import are not instrumented: ${(error as Error).message}`);
  }
}
