/** Where every copy of the API keeps what is registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** What can be registered. */
export const ENTRIES = ['context', 'propagation', 'trace', 'metrics', 'logs', 'diag'] as const;
export type Entry = (typeof ENTRIES)[number];

type Globals = { readonly version?: string } & Partial<Record<Entry, unknown>>;

const globals = globalThis as unknown as Record<symbol, Globals | undefined>;

/** What is registered with the API, by whichever copy of it. */
export function registeredGlobals(): Globals {
  return globals[REGISTERED] ?? {};
}

/** Registers for register's own copy of the API, and for all that may see it. */
export function putGlobal(entry: Entry, value: unknown, version: string): void {
  if (!globals[REGISTERED]) speakVersion(version);
  registeredGlobals()[entry] = value;
}

export function removeGlobal(entry: Entry): void {
  Reflect.deleteProperty(registeredGlobals(), entry);
}

/** Runs `work` with nothing registered but `diag`; what it registers is nowhere to be seen after it. */
export function registerApart<Result>(work: () => Result): Result {
  const before = globals[REGISTERED];
  Reflect.deleteProperty(globalThis, REGISTERED);
  if (before?.diag !== undefined) putGlobal('diag', before.diag, before.version ?? '');
  try {
    return work();
  } finally {
    if (before) globals[REGISTERED] = before;
    else Reflect.deleteProperty(globalThis, REGISTERED);
  }
}

/**
 * Gives what is registered another version. A copy of the API registers beside what is of its very version only, and sees what
 * is of its minor version or a later one.
 */
export function speakVersion(version: string): void {
  const { version: before, ...entries } = registeredGlobals();
  if (before === version) return;
  globals[REGISTERED] = Object.defineProperty(entries, 'version', { value: version, enumerable: true });
}

/** The one that copies of both versions can see. */
export function laterVersion(left: string, right: string): string {
  const minor = (version: string) => Number(version.split('.')[1] ?? 0);
  return minor(right) > minor(left) ? right : left;
}
