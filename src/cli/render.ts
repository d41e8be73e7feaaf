import type { BreakerState, Override } from '@switchgear/conventions';
import { shortSpan } from './duration.ts';
import { type Fact, settingsFacts } from './settings-facts.ts';
import { colour, oneLine, table } from './table.ts';
import type { AgentItem, AuditItem, BreakerDetailItem, BreakerItem, Delivery, EventItem, Wire } from './views.ts';

/** How text is made for a person. `now` is in milliseconds since the epoch. */
export interface Look {
  readonly colour: boolean;
  readonly now: number;
}

export function breakerTable(items: readonly BreakerItem[], look: Look): string {
  if (items.length === 0)
    return 'No breakers. A service appears here when it exports its breakers over OTLP to this control plane.\n';
  const lines = table(
    [
      'SERVICE',
      'BREAKER',
      'STATE',
      'LIVE',
      'STALE',
      'GONE',
      'FAILED',
      'DIVERTED',
      'REJECTED',
      'WIRE LOAD',
      'OVERRIDE',
      'SEEN',
    ],
    items.map(({ calls, ...item }) => [
      item.service,
      item.breaker,
      item.state ?? 'unknown',
      ...[item.instances.live, item.instances.stale, item.instances.gone].map(String),
      ...[calls.failure + calls.timeout, calls.diverted, calls.rejected + calls.limited].map(String),
      wireLoad(item.wires),
      item.override ? `${item.override.mode} ${shortSpan(Date.parse(item.override.expiresAt) - look.now)}` : '-',
      `${ago(item.lastSeenAt, look.now)}`,
    ]),
  ).split('\n');
  return lines.map((line, index) => paint(line, index === 0 ? undefined : items[index - 1]?.state, look)).join('\n');
}

export function breakerDetail(item: BreakerDetailItem, look: Look): string {
  const { override, delivery } = item;
  const facts: Fact[] = [
    ['service', item.service],
    ['breaker', item.breaker],
    ['state', item.state ?? 'unknown: no live instance has told one'],
    ['instances', `${item.instances.live} live, ${item.instances.stale} stale, ${item.instances.gone} gone`],
    ['calls', nonZero(item.calls)],
    ...item.wires.map((wire): Fact => [`wire ${wire.name}`, wireLine(wire)]),
    [
      'override',
      override ? `${override.mode} until ${override.expiresAt} by ${override.actor}: ${override.reason}` : 'none',
    ],
    [
      'delivery',
      delivery.revision === 0 ? 'nothing desired' : `revision ${delivery.revision}: ${deliveryLine(delivery)}`,
    ],
    ...settingsFacts(item.byInstance),
    ['last seen', `${item.lastSeenAt} (${ago(item.lastSeenAt, look.now)})`],
  ];
  const label = Math.max(...facts.map(([name]) => oneLine(name).length));
  const head = facts.map(([name, value]) => `${oneLine(name).padEnd(label)}  ${oneLine(value)}\n`).join('');
  const instances = table(
    ['INSTANCE', 'STATE', 'SINCE', 'FAILURE RATIO', 'LIVENESS', 'SEEN', 'APPLIED'],
    item.byInstance.map((instance) => [
      instance.instance,
      instance.state ?? 'unknown',
      instance.stateSince === null ? '-' : ago(instance.stateSince, look.now),
      instance.failureRatio === null ? '-' : instance.failureRatio.toFixed(2),
      instance.liveness,
      ago(instance.lastSeenAt, look.now),
      instance.applied
        ? `${instance.applied.status} ${instance.applied.revision}${instance.applied.error ? `: ${instance.applied.error}` : ''}`
        : '-',
    ]),
  );
  return `${head}\n${instances}`;
}

export function agentTable(items: readonly AgentItem[], look: Look): string {
  if (items.length === 0) return 'No agents. A process appears here when it first reports a breaker.\n';
  return table(
    ['SERVICE', 'INSTANCE', 'VERSION', 'ENVIRONMENT', 'LIVENESS', 'STEERABLE', 'BREAKERS', 'SEEN'],
    items.map((item) => [
      item.service,
      item.instance,
      item.version ?? '-',
      item.environment ?? '-',
      item.liveness,
      item.connected ? 'yes' : 'no',
      String(item.breakers),
      ago(item.lastSeenAt, look.now),
    ]),
  );
}

export function eventTable(items: readonly EventItem[]): string {
  if (items.length === 0) return 'No events.\n';
  return table(
    ['AT', 'SEVERITY', 'EVENT', 'SERVICE', 'BREAKER', 'INSTANCE', 'ATTRIBUTES'],
    items.map((item) => [
      item.at,
      item.severity,
      item.event,
      item.service,
      item.breaker,
      item.instance,
      attributes(item),
    ]),
  );
}

export function auditTable(items: readonly AuditItem[]): string {
  if (items.length === 0) return 'No operator has acted yet.\n';
  return table(
    ['AT', 'ACTOR', 'ACTION', 'SERVICE', 'BREAKER', 'REVISION', 'REASON', 'CHANGE'],
    items.map((item) => [
      item.at,
      item.actor,
      item.action,
      item.service,
      item.breaker,
      String(item.revision),
      item.reason ?? '-',
      changeOf(item),
    ]),
  );
}

/** What was laid over the breaker: its mode, or its settings. */
function changeOf({ action, after }: AuditItem): string {
  if (action === 'config') return after ? JSON.stringify(after) : 'its own settings again';
  if (action !== 'override' || !after) return '-';
  const { mode, expiresAt } = after as Pick<Override, 'mode' | 'expiresAt'>;
  return `${mode} until ${expiresAt}`;
}

/** One line of `watch`. */
export function watchLine(at: string, kind: string, item: BreakerItem, look: Look): string {
  const live = `${item.instances.live} live`;
  const text = `${at}  ${kind.padEnd(8)}  ${item.service}/${item.breaker}  ${item.state ?? 'unknown'}  ${live}  ${wireLoad(item.wires)}`;
  return `${paint(oneLine(text), item.state, look)}\n`;
}

export function eventLine(item: EventItem): string {
  return `${oneLine(`${item.at}  event     ${item.service}/${item.breaker}  ${item.event}  ${item.instance}  ${attributes(item)}`).trimEnd()}\n`;
}

export function auditLine(item: AuditItem): string {
  const told = [item.reason, changeOf(item)].filter((part) => part !== null && part !== '-').join(': ') || '-';
  return `${oneLine(`${item.at}  audit     ${item.service}/${item.breaker}  ${item.action} by ${item.actor}: ${told}`)}\n`;
}

/** "applied on 2 of 3 live instances, 1 failed". */
export function deliveryLine({ applied, failed, pending }: Delivery): string {
  const total = applied + failed + pending;
  const rest = failed > 0 ? `, ${failed} failed` : '';
  return `applied on ${applied} of ${total} live instances${rest}`;
}

function wireLoad(wires: readonly Wire[]): string {
  const buffers = wires.filter((wire) => wire.capacity > 0);
  if (buffers.length === 0) return '-';
  const depth = buffers.reduce((sum, wire) => sum + wire.depth, 0);
  const capacity = buffers.reduce((sum, wire) => sum + wire.capacity, 0);
  return `${depth}/${capacity}`;
}

function wireLine(wire: Wire): string {
  if (wire.capacity === 0) return `${wire.served} served, ${wire.failed} failed`;
  const age = shortSpan(wire.oldestAgeSeconds * 1_000);
  return `${wire.depth}/${wire.capacity} held, oldest ${age}, ${wire.replayed} replayed, ${wire.dropped} dropped`;
}

function nonZero(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.map(([name, count]) => `${count} ${name}`).join(', ') || 'none yet';
}

/** A stack trace is many lines; `--json` has it. */
const NOT_IN_A_LINE = 'exception.stacktrace';

function attributes({ attributes }: EventItem): string {
  return Object.entries(attributes)
    .filter(([key]) => key !== NOT_IN_A_LINE)
    .map(([key, value]) => `${key}=${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join(' ');
}

function ago(at: string, now: number): string {
  return `${shortSpan(now - Date.parse(at))} ago`;
}

const STATE_COLOURS: Readonly<Partial<Record<BreakerState, number>>> = {
  forced_open: 31,
  open: 31,
  half_open: 33,
  disabled: 35,
  shadow: 36,
};

function paint(line: string, state: BreakerState | null | undefined, look: Look): string {
  return look.colour && line !== '' ? colour(line, state ? STATE_COLOURS[state] : undefined) : line;
}
