export type Unit = 'ns' | 'ms' | 'B' | 'calls/s';

/** What a case found out, beside its peers. */
export interface Measurement {
  /** The key of its goal in `GOALS`. */
  readonly name: string;
  /** In words, for the table. */
  readonly what: string;
  readonly unit: Unit;
  readonly figure: number;
  /** The same of others, in the same unit and the same run. */
  readonly peers: Readonly<Record<string, number>>;
}
