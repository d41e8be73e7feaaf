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
