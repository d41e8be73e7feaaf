/** What a team may want to change: every threshold, window and address of the dashboards, rules and alerts. */
export interface MixinConfig {
  /** PromQL matchers added to every series of the rules and alerts, such as `environment="production"`; empty by default. */
  readonly matchers: string;
  /** Window of the rates in rules and alerts, a PromQL duration. At least four scrape intervals. */
  readonly window: string;
  /** How far back a series must have been absent to count as new. A gap in scraping shorter than this raises no alert. */
  readonly newbornLookback: string;
  /** How often rules and alerts are evaluated. */
  readonly evaluationInterval: string;
  /** How long a breaker must be open (or probing) before BreakerOpen fires. */
  readonly openFor: string;
  /**
   * Names of the wires whose spool all replicas share, such as one in Redis, as a regular expression of Prometheus. Each replica
   * reports the same calls of such a wire, so that what it holds is the most that one of them says, and not the sum. The default
   * name of such a wire fits the default.
   */
  readonly sharedWires: string;
  /** Fill of a buffer wire, depth over capacity in (0, 1), above which NeutralWireNearCapacity fires. */
  readonly nearCapacityRatio: number;
  /** How long it must be that full. */
  readonly nearCapacityFor: string;
  /** Where operators open Grafana, without a slash at the end. */
  readonly grafanaUrl: string;
  /** Where operators read the runbook; an anchor with the alert's name in lower case follows. */
  readonly runbookUrl: string;
}

export const DEFAULT_CONFIG: MixinConfig = {
  matchers: '',
  window: '5m',
  newbornLookback: '1h',
  evaluationInterval: '15s',
  openFor: '5m',
  sharedWires: 'shared.*',
  nearCapacityRatio: 0.8,
  nearCapacityFor: '1m',
  grafanaUrl: 'http://127.0.0.1:3000',
  runbookUrl: 'https://switchgear.dev/runbook',
};

/** Dashboards keep these for good: links and alerts point at them. */
export const DASHBOARD_UIDS = { fleet: 'switchgear-fleet', neutralWires: 'switchgear-neutral-wires' } as const;
