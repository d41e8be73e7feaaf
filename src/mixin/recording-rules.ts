import { METRICS } from '@switchgear/conventions';
import type { MixinConfig } from './config.ts';
import * as query from './queries.ts';

/** Names of the recorded series, `level:metric:operation` as Prometheus advises. */
export const RECORDED = {
  states: `job_breaker_state:${METRICS.status.prometheus}:sum`,
  trips: 'job_breaker:breaker_trips:increase',
  callRate: `job_breaker_outcome:${METRICS.calls.prometheus}:rate`,
  unservedRatio: 'job_breaker:breaker_unserved:ratio_rate',
  durationBuckets: `job_breaker_le:${METRICS.callDuration.prometheus}_bucket:rate`,
  wireFill: 'job_breaker_wire:breaker_neutral_wire_fill:ratio',
  drops: `job_breaker_wire_reason:${METRICS.wireDropped.prometheus}:increase`,
  timeToEmpty: 'job_breaker_wire:breaker_neutral_wire_empty:seconds',
} as const;

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

export interface RuleGroup<Rule> {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly Rule[];
}

/** Every series that a dashboard would otherwise work out again for each viewer, without its instances. */
export function recordingRules(config: MixinConfig): readonly RuleGroup<RecordingRule>[] {
  const scope: query.Scope = { matchers: config.matchers, window: config.window };
  return [
    {
      name: 'switchgear.breakers',
      interval: config.evaluationInterval,
      rules: [
        { record: RECORDED.states, expr: query.instancesByState(scope) },
        { record: RECORDED.trips, expr: query.trips(scope, config.newbornLookback) },
        { record: RECORDED.callRate, expr: query.callRate(scope, [...query.BY_BREAKER, query.LABEL.outcome]) },
        { record: RECORDED.unservedRatio, expr: query.unservedRatio(scope) },
        { record: RECORDED.durationBuckets, expr: query.durationRate(scope, query.BY_BREAKER) },
      ],
    },
    {
      name: 'switchgear.neutral-wires',
      interval: config.evaluationInterval,
      rules: [
        { record: RECORDED.wireFill, expr: query.wireFill(scope) },
        { record: RECORDED.drops, expr: query.drops(scope, config.newbornLookback) },
        { record: RECORDED.timeToEmpty, expr: query.timeToEmpty(scope, config.sharedWires) },
      ],
    },
  ];
}
