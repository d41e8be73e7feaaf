import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { DASHBOARD_UIDS, DEFAULT_CONFIG, type MixinConfig } from '../config.ts';
import { stat, timeseries } from '../panels/kinds.ts';
import type { Row } from '../panels/layout.ts';
import * as query from '../queries.ts';
import { RECORDED } from '../recording-rules.ts';
import { dashboard, SELECTED, SELECTED_RECORDED, WHOLE_RANGE } from './frame.ts';

const { LABEL, BY_BREAKER, BY_WIRE } = query;
const WIRE_LEGEND = `{{${LABEL.breaker}}} / {{${LABEL.wire}}}`;

/** What the neutral wires carry, and whether they hold: losses first, then the load, then the way back. */
export function neutralWiresDashboard(config: MixinConfig = DEFAULT_CONFIG): Dashboard {
  return dashboard({
    uid: DASHBOARD_UIDS.neutralWires,
    title: 'Switchgear / Neutral wires',
    description:
      'What the neutral wires carry while breakers are open: is anything lost, how full are they, when are they empty.',
    rows: [losses(config), load(config), drain(config), answers()],
  });
}

function losses(config: MixinConfig): Row {
  return {
    title: 'Is anything lost',
    lines: [
      {
        height: 4,
        panels: [
          {
            width: 6,
            panel: stat({
              title: 'Calls dropped in this range',
              description:
                'Calls that a neutral wire gave up in the time shown. Anything above 0 is lost work: see the reasons below.',
              queries: [{ expr: query.dropCount(WHOLE_RANGE), legend: 'dropped' }],
              unit: 'short',
              steps: [
                { color: 'green', from: null },
                { color: 'red', from: 0.5 },
              ],
            }),
          },
          {
            width: 6,
            panel: stat({
              title: 'Fullest wire',
              description: 'The highest fill of any buffer wire on any instance. At 100 % it drops.',
              queries: [{ expr: `max(${query.wireFill(SELECTED)})`, legend: 'fill' }],
              unit: 'percentunit',
              noValue: 'No buffer wires',
              steps: [
                { color: 'green', from: null },
                { color: 'orange', from: config.nearCapacityRatio / 2 },
                { color: 'red', from: config.nearCapacityRatio },
              ],
            }),
          },
          {
            width: 6,
            panel: stat({
              title: 'Oldest waiting call',
              description:
                'Age of the oldest call in any buffer wire. Compare it with the wire’s time to live: what is older expires.',
              queries: [{ expr: `max(${query.oldestAge(SELECTED)})`, legend: 'age' }],
              unit: 's',
              noValue: 'No buffer wires',
            }),
          },
          {
            width: 6,
            panel: stat({
              title: 'Calls diverted',
              description: 'Calls per second that go over neutral wires instead of to their dependency.',
              queries: [{ expr: query.callRate(SELECTED, [], ['diverted']), legend: 'diverted' }],
              unit: 'reqps',
              steps: [
                { color: 'green', from: null },
                { color: 'blue', from: 0.01 },
              ],
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
              title: 'Drops by reason',
              description:
                'Calls given up per wire over five minutes. overflow: the wire was full; expired: older than its time to live; exhausted: every replay failed; shutdown: the process ended with calls in memory.',
              queries: [
                { expr: `${RECORDED.drops}{${SELECTED_RECORDED}}`, legend: `${WIRE_LEGEND} {{${LABEL.dropReason}}}` },
              ],
              unit: 'short',
              bars: true,
              stacked: true,
            }),
          },
          {
            width: 12,
            panel: timeseries({
              title: 'Diverted calls',
              description:
                'Calls per second that each breaker hands to its wires. It starts with a trip and should end with the reset.',
              queries: [
                {
                  expr: query.callRate(SELECTED, BY_BREAKER, ['diverted']),
                  legend: `{{${LABEL.service}}} / {{${LABEL.breaker}}}`,
                },
              ],
              unit: 'reqps',
            }),
          },
        ],
      },
    ],
  };
}

function load(config: MixinConfig): Row {
  return {
    title: 'How full',
    lines: [
      {
        height: 8,
        panels: [
          {
            width: 8,
            panel: timeseries({
              title: 'Depth against capacity',
              description:
                'Calls that the buffer wires hold, over all instances, and the dashed number that they can hold. Of a wire that is named as shared, whose calls each instance reports, once.',
              queries: [
                { expr: query.held('wireDepth', SELECTED, config.sharedWires), legend: WIRE_LEGEND },
                { expr: query.held('wireCapacity', SELECTED, config.sharedWires), legend: `${WIRE_LEGEND} capacity` },
              ],
              unit: 'short',
              dashed: '.* capacity',
            }),
          },
          {
            width: 8,
            panel: timeseries({
              title: 'Fill of the fullest instance',
              description: `Depth over capacity of the fullest instance of each wire. The alert fires above ${config.nearCapacityRatio * 100} %.`,
              queries: [{ expr: query.wireFill(SELECTED), legend: WIRE_LEGEND }],
              unit: 'percentunit',
              max: 1,
            }),
          },
          {
            width: 8,
            panel: timeseries({
              title: 'Oldest waiting call',
              description:
                'Age of the oldest call of each wire. A line that climbs at 45° is a wire that does not drain.',
              queries: [{ expr: query.oldestAge(SELECTED), legend: WIRE_LEGEND }],
              unit: 's',
            }),
          },
        ],
      },
      {
        height: 7,
        panels: [
          {
            width: 12,
            panel: timeseries({
              title: 'Memory or disk held',
              description:
                'Bytes that each buffer wire holds, over all instances; of a wire that is named as shared, once.',
              queries: [{ expr: query.held('wireSize', SELECTED, config.sharedWires), legend: WIRE_LEGEND }],
              unit: 'bytes',
            }),
          },
          {
            width: 12,
            panel: timeseries({
              title: 'Time to empty',
              description:
                'Depth over drain rate: how long until a wire is empty if nothing more comes in. No line: it is not draining. Over all instances.',
              queries: [{ expr: `${RECORDED.timeToEmpty}{${SELECTED_RECORDED}}`, legend: WIRE_LEGEND }],
              unit: 's',
            }),
          },
        ],
      },
    ],
  };
}

function drain(config: MixinConfig): Row {
  return {
    title: 'The way back',
    lines: [
      {
        height: 8,
        panels: [
          {
            width: 12,
            panel: timeseries({
              title: 'Drain rate by outcome',
              description:
                'Replays per second after the reset. retried goes back into the wire; dead went to the dead-letter handler after its last attempt.',
              queries: [
                {
                  expr: query.counterRate('wireDrained', SELECTED, [...BY_WIRE, LABEL.wireOutcome]),
                  legend: `${WIRE_LEGEND} {{${LABEL.wireOutcome}}}`,
                },
              ],
              unit: 'reqps',
              stacked: true,
            }),
          },
          {
            width: 12,
            panel: timeseries({
              title: 'How long calls waited',
              description: 'From diversion to replay, of the calls replayed just then.',
              queries: [0.5, 0.95, 0.99].map((q) => ({
                expr: query.waitQuantile(q, SELECTED, config.newbornLookback),
                legend: `p${q * 100}`,
              })),
              unit: 's',
            }),
          },
        ],
      },
    ],
  };
}

function answers(): Row {
  return {
    title: 'What the wires did',
    lines: [
      {
        height: 8,
        panels: [
          {
            width: 24,
            panel: timeseries({
              title: 'Wire outcomes',
              description:
                'What each wire did with the calls handed to it. served: answered at once; buffered: kept for replay; failed: it could not, and the next wire or the caller’s error followed.',
              queries: [
                {
                  expr: query.counterRate('wireCalls', SELECTED, [...BY_WIRE, LABEL.wireOutcome]),
                  legend: `${WIRE_LEGEND} {{${LABEL.wireOutcome}}}`,
                },
              ],
              unit: 'reqps',
              stacked: true,
            }),
          },
        ],
      },
    ],
  };
}
