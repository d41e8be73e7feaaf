import { UNSERVED_OUTCOMES } from '@switchgear/conventions';
import { DASHBOARD_UIDS } from '../config.ts';
import { stat, stateTimeline, table } from '../panels/kinds.ts';
import type { Row } from '../panels/layout.ts';
import * as query from '../queries.ts';
import { SELECTED, WHOLE_RANGE } from './frame.ts';
import { BREAKER_LEGEND, stateTexts } from './marks.ts';

const { LABEL } = query;
const ALARM = [
  { color: 'green', from: null },
  { color: 'red', from: 1 },
];

/** What is broken now. */
export function broken(): Row {
  return {
    title: 'What is broken',
    lines: [
      {
        height: 4,
        panels: [
          {
            width: 5,
            panel: stat({
              title: 'Breakers open',
              description:
                'Breakers with at least one instance open or probing. 0 is healthy; the table below names the others.',
              queries: [{ expr: query.breakersIn(SELECTED, query.TRIPPED_STATES), legend: 'open' }],
              unit: 'short',
              steps: ALARM,
            }),
          },
          {
            width: 5,
            panel: stat({
              title: 'Held',
              description:
                'Breakers forced open or disabled: by an operator, with a reason and an expiry in the audit of the console, or by the mode that their service gives them.',
              queries: [{ expr: query.breakersIn(SELECTED, query.HELD_STATES), legend: 'held' }],
              unit: 'short',
              steps: [
                { color: 'green', from: null },
                { color: 'blue', from: 1 },
              ],
            }),
          },
          {
            width: 4,
            panel: stat({
              title: 'In shadow',
              description:
                'Breakers that only look on: they count and reject nothing. A service without a configuration has one for each host that it calls. The panels below leave them out.',
              queries: [{ expr: query.breakersIn(SELECTED, query.SHADOW_STATES), legend: 'in shadow' }],
              unit: 'short',
              steps: [{ color: 'purple', from: null }],
            }),
          },
          {
            width: 5,
            panel: stat({
              title: 'Trips in this range',
              description:
                'How often breakers opened in the time shown. Many trips of one breaker: the dependency comes and goes.',
              queries: [{ expr: query.tripCount(WHOLE_RANGE), legend: 'trips' }],
              unit: 'short',
              steps: [
                { color: 'green', from: null },
                { color: 'orange', from: 0.5 },
              ],
            }),
          },
          {
            width: 5,
            panel: stat({
              title: 'Calls without an answer',
              description:
                'Calls per second whose caller got an error: failures, timeouts, rejections and calls over the limit. What the neutral wires answered is not in it.',
              queries: [{ expr: query.callRate(SELECTED, [], UNSERVED_OUTCOMES), legend: 'unserved' }],
              unit: 'reqps',
              steps: [
                { color: 'green', from: null },
                { color: 'orange', from: 0.01 },
                { color: 'red', from: 1 },
              ],
            }),
          },
        ],
      },
      {
        height: 8,
        panels: [
          {
            width: 10,
            panel: table({
              title: 'Breakers not closed',
              description:
                'One row for each state other than closed and shadow that a breaker is in, with the number of its instances, or of its keys where it has some. Empty is healthy. A breaker that is open on some instances only points at the network or the host rather than the dependency.',
              queries: [{ expr: query.notClosed(SELECTED), legend: '', shape: 'table' }],
              unit: 'short',
              noValue: 'Every breaker is closed or in shadow',
              columns: [
                { field: LABEL.service, title: 'Service' },
                { field: LABEL.breaker, title: 'Breaker' },
                { field: LABEL.state, title: 'State', texts: stateTexts('word') },
                { field: 'Value', title: 'Instances or keys' },
              ],
              link: {
                title: 'Neutral wires of this breaker',
                url: `/d/${DASHBOARD_UIDS.neutralWires}?var-service=\${__data.fields.Service:percentencode}&var-breaker=\${__data.fields.Breaker:percentencode}&\${datasource:queryparam}`,
                onField: 'Breaker',
              },
            }),
          },
          {
            width: 14,
            panel: stateTimeline({
              title: 'State of each breaker',
              description:
                'The worst state among the instances and keys of each breaker through time. What turned red first is where to look first. Breakers in shadow are left out.',
              queries: [{ expr: query.worstState(SELECTED), legend: BREAKER_LEGEND }],
              unit: 'short',
              values: stateTexts('weight'),
            }),
          },
        ],
      },
    ],
  };
}
