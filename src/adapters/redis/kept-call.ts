import { restoreInput, SpoolError, type SpooledCall, storeInput } from '@switchgear/breaker/spool';

/**
 * A call as text: JSON with its input, where JSON keeps that as it is, else with a structured clone of it in base64.
 * Attempts change while it is held, and are kept apart.
 * @throws SpoolError for an input that neither keeps
 */
export function writeCall({ attempts: _, input, ...call }: SpooledCall): string {
  let stored: ReturnType<typeof storeInput>;
  try {
    stored = storeInput(input);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SpoolError('SPOOL_FAILED', `The input of a call of "${call.operation}" cannot be kept: ${why}`, error);
  }
  if (stored === null) return JSON.stringify(call);
  if (typeof stored !== 'string') return JSON.stringify({ ...call, clone: Buffer.from(stored).toString('base64') });
  // It is JSON already.
  return `${JSON.stringify(call).slice(0, -1)},"input":${stored}}`;
}

/** What is kept of a call. Where its input cannot be read, as one that a newer Node.js wrote, the call is without it. */
export function readKeptCall(
  text: string,
  attempts: string | undefined,
): { readonly call: SpooledCall; readonly isReadable: boolean } {
  const { clone, ...kept } = JSON.parse(text) as Omit<SpooledCall, 'attempts'> & { clone?: string };
  const call = { ...kept, input: kept.input, key: kept.key, attempts: Number(attempts) };
  if (clone === undefined) return { call, isReadable: true };
  try {
    return { call: { ...call, input: restoreInput(Buffer.from(clone, 'base64')) }, isReadable: true };
  } catch {
    return { call, isReadable: false };
  }
}

/** Characters that a result may take as text, 16 Ki: it is kept for one that may wait for it. */
const LONGEST_RESULT = 16 * 1024;

/** A replay's result as text; empty where it is `undefined`, too long, or neither JSON nor a structured clone keeps it. */
export function writeResult(value: unknown): string {
  try {
    const stored = storeInput(value);
    if (stored === null) return '';
    const text = typeof stored === 'string' ? `json:${stored}` : `clone:${Buffer.from(stored).toString('base64')}`;
    return text.length > LONGEST_RESULT ? '' : text;
  } catch {
    return '';
  }
}

/** `undefined` where there is none, or none that this Node.js can read. */
export function readResult(text: string): unknown {
  try {
    if (text.startsWith('json:')) return restoreInput(text.slice('json:'.length));
    if (text.startsWith('clone:')) return restoreInput(Buffer.from(text.slice('clone:'.length), 'base64'));
  } catch {
    // A newer Node.js wrote it.
  }
  return undefined;
}
