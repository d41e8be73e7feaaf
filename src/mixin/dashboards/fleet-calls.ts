import { UNSERVED_OUTCOMES } from '@switchgear/conventions';
import { timeseries } from '../panels/kinds.ts';
import type { Row } from '../panels/layout.ts';
import * as query from '../queries.ts';
import { RECORDED } from '../recording-rules.ts';
import { SELECTED, SELECTED_RECORDED } from './frame.ts';
import { BREAKER_LEGEND } from './marks.ts';

const { LABEL, BY_BREAKER } = query;

/** How many calls there are, and how they end. */
export function traffic(): Row {
  return {
    title: 'Calls',
    lines: [
      {
        height: 8,
        panels: [
          {
            width: 8,
            panel: timeseries({
              title: 'Calls by outcome',
              description: 'How all calls ended. Diverted went to a neutral wire; rejected found none that took it.',
              queries: [{ expr: query.callRate(SELECTED, [LABEL.outcome]), legend: `{{${LABEL.outcome}}}` }],
              unit: 'reqps',
              stacked: true,
              colors: OUTCOME_COLORS,
            }),
          },
          {
            width: 8,
            panel: timeseries({
              title: 'Unserved calls by breaker',
              description: 'Calls per second whose caller got an error: failure, timeout, rejected or limited.',
              queries: [{ expr: query.callRate(SELECTED, BY_BREAKER, UNSERVED_OUTCOMES), legend: BREAKER_LEGEND }],
              unit: 'reqps',
            }),
          },
          {
            width: 8,
            panel: timeseries({
              title: 'Calls in flight',
              description:
                'Calls that have begun and not ended. A rise before a trip: the dependency hangs, it does not refuse.',
              queries: [{ expr: query.total('activeCalls', SELECTED, BY_BREAKER), legend: BREAKER_LEGEND }],
              unit: 'short',
            }),
          },
        ],
      },
    ],
  };
}

/** How long executed calls take. */
export function latency(): Row {
  const quantiles = [0.5, 0.95, 0.99];
  return {
    title: 'Latency of executed calls',
    lines: [
      {
        height: 8,
        panels: [
          {
            width: 8,
            panel: timeseries({
              title: 'p50, p95 and p99',
              description:
                'Over every selected breaker, from the histogram’s buckets. Choose one breaker above to judge it alone.',
              queries: quantiles.map((q) => ({
                expr: query.durationQuantile(q, SELECTED, []),
                legend: `p${q * 100}`,
              })),
              unit: 's',
            }),
          },
          {
            width: 8,
            panel: timeseries({
              title: 'p95 by breaker',
              description:
                'Which dependency is slow, over all its instances. Flat at a round number: that is the timeout.',
              queries: [
                {
                  expr: `histogram_quantile(0.95, ${RECORDED.durationBuckets}{${SELECTED_RECORDED}})`,
                  legend: BREAKER_LEGEND,
                },
              ],
              unit: 's',
            }),
          },
          {
            width: 8,
            panel: timeseries({
              title: 'Slow calls',
              description:
                'Executed calls per second over the breaker’s slow threshold, whether they succeeded or not.',
              queries: [{ expr: query.counterRate('slowCalls', SELECTED, BY_BREAKER), legend: BREAKER_LEGEND }],
              unit: 'reqps',
            }),
          },
        ],
      },
    ],
  };
}

const OUTCOME_COLORS = [
  { series: 'success', color: 'green' },
  { series: 'failure', color: 'red' },
  { series: 'timeout', color: 'orange' },
  { series: 'rejected', color: 'dark-red' },
  { series: 'limited', color: 'purple' },
  { series: 'diverted', color: 'blue' },
];
