import { timeseries } from '../panels/kinds.ts';
import type { Row } from '../panels/layout.ts';
import * as query from '../queries.ts';
import { SELECTED } from './frame.ts';
import { BREAKER_LEGEND } from './marks.ts';

const { LABEL, BY_BREAKER } = query;

/** What the telemetry itself left out. */
export function telemetry(): Row {
  return {
    title: 'Telemetry',
    lines: [
      {
        height: 6,
        panels: [
          {
            width: 24,
            panel: timeseries({
              title: 'Events held back',
              description:
                'Failure and rejection events that the rate limit of a breaker held back. The counters above still have them all; only the log is thinner.',
              queries: [
                {
                  expr: query.counterRate('eventsSuppressed', SELECTED, [...BY_BREAKER, LABEL.event]),
                  legend: `${BREAKER_LEGEND} {{${LABEL.event}}}`,
                },
              ],
              unit: 'cps',
            }),
          },
        ],
      },
    ],
  };
}
