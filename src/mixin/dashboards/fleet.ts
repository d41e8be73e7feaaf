import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { UNSERVED_OUTCOMES } from '@switchgear/conventions';
import { DASHBOARD_UIDS } from '../config.ts';
import { stat, stateTimeline, table, timeseries, type ValueText } from '../panels/kinds.ts';
import type { Row } from '../panels/layout.ts';
import * as query from '../queries.ts';
import { RECORDED } from '../recording-rules.ts';
import { dashboard, SELECTED, SELECTED_RECORDED, WHOLE_RANGE } from './frame.ts';

const { LABEL, BY_BREAKER } = query;
const BREAKER_LEGEND = `{{${LABEL.service}}} / {{${LABEL.breaker}}}`;
const ALARM = [
  { color: 'green', from: null },
  { color: 'red', from: 1 },
];

/** Which dependency fails: what is broken first, then why, then the background. */
export function fleetDashboard(): Dashboard {
  return dashboard({
    uid: DASHBOARD_UIDS.fleet,
    title: 'Switchgear / Fleet',
    description: 'Which dependency fails, since when, and what it costs the callers.',
    rows: [broken(), cause(), traffic(), latency(), telemetry()],
  });
}

function broken(): Row {
  return {
    title: 'What is broken',
    lines: [
      {
        height: 4,
        panels: [
          {
            width: 6,
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
            width: 6,
            panel: stat({
              title: 'Held by an operator',
              description:
                'Breakers that someone holds forced open, disabled or in shadow mode. Each has a reason and an expiry: see the audit in the console before you undo it.',
              queries: [{ expr: query.breakersIn(SELECTED, query.HELD_STATES), legend: 'held' }],
              unit: 'short',
              steps: [
                { color: 'green', from: null },
                { color: 'blue', from: 1 },
              ],
            }),
          },
          {
            width: 6,
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
            width: 6,
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
                'One row for each state other than closed that a breaker is in, with the number of its instances. Empty is healthy. A breaker that is open on some instances only points at the network or the host rather than the dependency.',
              queries: [{ expr: query.notClosed(SELECTED), legend: '', shape: 'table' }],
              unit: 'short',
              noValue: 'Every breaker is closed',
              columns: [
                { field: LABEL.service, title: 'Service' },
                { field: LABEL.breaker, title: 'Breaker' },
                { field: LABEL.state, title: 'State', texts: stateTexts('word') },
                { field: 'Value', title: 'Instances' },
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
                'The worst state among the instances of each breaker through time. What turned red first is where to look first.',
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

function cause(): Row {
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
                'How many instances are in each state. All at once: the dependency. One by one: a rollout or a host.',
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

function traffic(): Row {
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

function latency(): Row {
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

function telemetry(): Row {
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

const STATES = [
  { state: 'closed', text: 'closed', color: 'green' },
  { state: 'shadow', text: 'shadow', color: 'purple' },
  { state: 'disabled', text: 'disabled', color: 'blue' },
  { state: 'half_open', text: 'half-open', color: 'yellow' },
  { state: 'open', text: 'open', color: 'red' },
  { state: 'forced_open', text: 'forced open', color: 'dark-red' },
] as const;

const OUTCOME_COLORS = [
  { series: 'success', color: 'green' },
  { series: 'failure', color: 'red' },
  { series: 'timeout', color: 'orange' },
  { series: 'rejected', color: 'dark-red' },
  { series: 'limited', color: 'purple' },
  { series: 'diverted', color: 'blue' },
];

function stateTexts(by: 'word' | 'weight'): ValueText[] {
  return STATES.map(({ state, text, color }) => ({
    value: by === 'word' ? state : String(query.STATE_WEIGHTS[state]),
    text,
    color,
  }));
}
