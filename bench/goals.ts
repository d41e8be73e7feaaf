/** What a measurement has to reach. */
export interface Goal {
  /** The most its own figure may be, in its unit. */
  readonly figure?: number;
  /** The most it may be of a peer's figure, by peer. */
  readonly ratio?: Readonly<Record<string, number>>;
}

/** By the name of the measurement. What is not here is measured for information. */
export const GOALS: Readonly<Record<string, Goal>> = {
  closed: { ratio: { cockatiel: 0.75 } },
  'closed-sdk': { ratio: { cockatiel: 1, opossum: 0.5 } },
  rejected: { figure: 1_500 },
  fallback: { ratio: { opossum: 0.15 } },
  shared: { ratio: { 'not shared': 1.3 } },
  'idle-new': { figure: 2_048 },
  'idle-called': { figure: 2_048 },
  creation: { figure: 200 },
  // The shortest timer of a breaker with its defaults runs for ten seconds.
  'process-end': { figure: 500 },
  collection: { figure: 150 },
  'register-start': { ratio: { 'auto-instrumentations': 1.1 } },
  'register-start-cpu': { ratio: { 'auto-instrumentations': 1.1 } },
  'register-request': { ratio: { 'auto-instrumentations': 1.1 } },
  'divert-memory': { figure: 2_000 },
  // 20,000 and 50,000 a second.
  'sqlite-append': { figure: 50_000 },
  'sqlite-drain': { figure: 20_000 },
  'sqlite-open': { figure: 2_000 },
  'sqlite-memory': { figure: 64 * 1024 * 1024 },
};
