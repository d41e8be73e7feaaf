import { timeseries } from '../panels/kinds.ts';
import type { Row } from '../panels/layout.ts';
import * as query from '../queries.ts';
import { RECORDED } from '../recording-rules.ts';
import { SELECTED, SELECTED_RECORDED } from './frame.ts';
import { BREAKER_LEGEND, STATES } from './marks.ts';

const { LABEL } = query;

/** Why it is broken, and what callers feel of it. */
export function cause(): Row {
  return {
    title: 'Why',
    lines: [
      {
        height: 8,
        panels: [
          {
            width: 12,
            panel: timeseries({
              title: 'Failure ratio against its threshold',
              description:
                'Failures and timeouts as a share of the executed calls in each breaker’s window (the worst instance), and the dashed ratio that trips it.',
              queries: [
                { expr: query.highest('failureRatio', SELECTED), legend: BREAKER_LEGEND },
                { expr: query.highest('thresholdRatio', SELECTED), legend: `${BREAKER_LEGEND} trips at` },
              ],
              unit: 'percentunit',
              max: 1,
              dashed: '.* trips at',
            }),
          },
          {
            width: 12,
            panel: timeseries({
              title: 'Trips and resets',
              description:
                'Transitions into open and into closed, with their reason. Trips for probe_failed mean that the dependency is still down when it is tried again.',
              queries: [
                {
                  expr: query.transitionsInto(SELECTED, ['open', 'closed']),
                  legend: `${BREAKER_LEGEND} {{${LABEL.state}}}: {{${LABEL.reason}}}`,
                },
              ],
              unit: 'short',
              bars: true,
              stacked: true,
            }),
          },
        ],
      },
      {
        height: 8,
        panels: [
          {
            width: 12,
            panel: timeseries({
              title: 'Share of calls without an answer',
              description:
                'Of all calls to a breaker over five minutes, the share whose caller got an error. This is what users feel; a breaker that is open with good neutral wires stays near 0. Over all instances.',
              queries: [{ expr: `${RECORDED.unservedRatio}{${SELECTED_RECORDED}}`, legend: BREAKER_LEGEND }],
              unit: 'percentunit',
              max: 1,
            }),
          },
          {
            width: 12,
            panel: timeseries({
              title: 'Instances by state',
              description:
                'How many instances are in each state; a breaker with keys counts each of them. All at once: the dependency. One by one: a rollout or a host.',
              queries: [{ expr: query.instancesByState(SELECTED, [LABEL.state]), legend: `{{${LABEL.state}}}` }],
              unit: 'short',
              stacked: true,
              colors: STATES.map(({ state, color }) => ({ series: state, color })),
            }),
          },
        ],
      },
    ],
  };
}
