import type { Agent } from 'undici';

// Loads the undici of Node.js, whose global dispatcher is then the first.
void globalThis.Response;

const first = (globalThis as unknown as Record<symbol, object>)[Symbol.for('undici.globalDispatcher.1')]!;

/** The agent of the undici that is built into Node.js. */
export const NodeAgent = first.constructor as typeof Agent;
