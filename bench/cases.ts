import type { Measurement } from './measurement.ts';

type Case = () => Promise<Measurement[]>;

/** Every case by its name, in the order of the table. Each is loaded in the process that runs it, and nowhere else. */
export const CASES: Readonly<Record<string, () => Promise<Case>>> = {
  closed: async () => (await import('./cases/closed.ts')).closed,
  'closed-many': async () => (await import('./cases/closed.ts')).closedMany,
  'closed-timeout': async () => (await import('./cases/closed.ts')).closedTimeout,
  'closed-sdk': async () => (await import('./cases/closed-sdk.ts')).closedSdk,
  'closed-sdk-instruments': async () => (await import('./cases/closed-sdk.ts')).closedSdkInstruments,
  rejected: async () => (await import('./cases/open.ts')).rejected,
  fallback: async () => (await import('./cases/open.ts')).fallback,
  shared: async () => (await import('./cases/shared.ts')).shared,
  workers: async () => (await import('./cases/workers.ts')).workers,
  idle: async () => (await import('./cases/idle.ts')).idle,
  'process-end': async () => (await import('./cases/process-end.ts')).processEnd,
  'divert-memory': async () => (await import('./cases/divert.ts')).divertIntoMemory,
  'sqlite-spool': async () => (await import('./cases/sqlite-spool.ts')).sqliteSpoolCase,
  collection: async () => (await import('./cases/collection.ts')).collection,
  register: async () => (await import('./cases/register.ts')).register,
};
