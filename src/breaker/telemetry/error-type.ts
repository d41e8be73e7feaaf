/** Most kinds of error told apart in one process; the rest is `_OTHER`, as OpenTelemetry's conventions say. */
const MOST_TYPES = 100;
const OTHER = '_OTHER';
const seen = new Set<string>();

/**
 * The value of `error.type`: the error's code, else its class's name. Bounded over the life of the process. `undefined` is a
 * failure without an error, a result that was judged as one: the conventions have `_OTHER` where there is no value of its own.
 */
export function errorType(error: unknown): string {
  if (error === undefined) return OTHER;
  const type = readType(error);
  if (typeof type !== 'string' || type === '') return OTHER;
  if (seen.has(type)) return type;
  if (seen.size >= MOST_TYPES || type.length > 60) return OTHER;
  seen.add(type);
  return type;
}

/** What an error says of itself can be anything, and its getters may throw. */
function readType(error: unknown): unknown {
  try {
    return typeOf(error);
  } catch {
    return OTHER;
  }
}

function typeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  const code = codeOf(error) ?? (error.cause instanceof Error ? codeOf(error.cause) : undefined);
  return code ?? error.name;
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : undefined;
}
