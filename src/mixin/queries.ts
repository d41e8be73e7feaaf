import {
  ATTR,
  type BreakerState,
  type CallOutcome,
  METRICS,
  type MetricKey,
  UNSERVED_OUTCOMES,
} from '@switchgear/conventions';

/** Labels of a series, as Prometheus writes them. */
export const LABEL = {
  service: 'job',
  instance: 'instance',
  breaker: label(ATTR.name),
  state: label(ATTR.state),
  outcome: label(ATTR.outcome),
  reason: label(ATTR.reason),
  wire: label(ATTR.wireName),
  wireOutcome: label(ATTR.wireOutcome),
  dropReason: label(ATTR.dropReason),
  event: label(ATTR.event),
  bucket: 'le',
} as const;

/** One breaker of one service, over all its instances. */
export const BY_BREAKER = [LABEL.service, LABEL.breaker] as const;
/** One neutral wire of one breaker, over all its instances. */
export const BY_WIRE = [...BY_BREAKER, LABEL.wire] as const;

/** Which series a query reads, and over which window. */
export interface Scope {
  /** Matchers put on every series; may be empty. */
  readonly matchers: string;
  /** A PromQL duration, or Grafana's `$__rate_interval`. */
  readonly window: string;
}

/** The states in which calls do not pass because the dependency fails. */
export const TRIPPED_STATES = ['open', 'half_open'] as const satisfies readonly BreakerState[];
/** The states in which a breaker does not decide over its calls; shadow, of which a fleet may have thousands, is counted apart. */
export const HELD_STATES = ['forced_open', 'disabled'] as const satisfies readonly BreakerState[];
/** A breaker in shadow rejects nothing. One for each host that a service calls is in it from the start. */
export const SHADOW_STATES = ['shadow'] as const satisfies readonly BreakerState[];

/** A number per state; the highest of a breaker's instances, or keyed breakers, is what its timeline shows. */
export const STATE_WEIGHTS: Readonly<Record<BreakerState, number>> = {
  closed: 1,
  shadow: 2,
  disabled: 3,
  half_open: 4,
  open: 5,
  forced_open: 6,
};

/** Instances in each state; of a group of keyed breakers, the breakers. */
export function instancesByState(scope: Scope, by: readonly string[] = [...BY_BREAKER, LABEL.state]): string {
  return sum(by, series('status', scope));
}

/** Breakers with at least one instance in one of `states`; 0 where there is none. */
export function breakersIn(scope: Scope, states: readonly BreakerState[]): string {
  return `count(${sum(BY_BREAKER, inStates(scope, states))} > 0) or vector(0)`;
}

/** Instances that are open or probing, per breaker; of a group of keyed breakers, the breakers. */
export function trippedInstances(scope: Scope): string {
  return sum(BY_BREAKER, inStates(scope, TRIPPED_STATES));
}

/** A row for each state but closed and shadow that a breaker is in: the instances, or keyed breakers, in it. */
export function notClosed(scope: Scope): string {
  return `${sum([...BY_BREAKER, LABEL.state], series('status', scope, `${LABEL.state}!~"closed|shadow"`))} > 0`;
}

/**
 * The worst state among a breaker's instances, as its weight; none while that is shadow. Keyed breakers are counted in a state: any
 * number is one.
 */
export function worstState(scope: Scope): string {
  const states = Object.entries(STATE_WEIGHTS).map(
    ([state, weight]) => `${weight} * (${series('status', scope, `${LABEL.state}="${state}"`)} > bool 0)`,
  );
  return `max by (${BY_BREAKER.join(', ')}) (${states.join(' or ')}) != ${STATE_WEIGHTS.shadow}`;
}

/** Trips in the window, by `by`; also of a process that tripped before its first scrape. */
export function trips(scope: Scope, newbornLookback: string, by: readonly string[] = BY_BREAKER): string {
  return sum(by, rise(series('transitions', scope, `${LABEL.state}="open"`), scope.window, newbornLookback));
}

/** Transitions in the window into `states`, by the state entered and why. */
export function transitionsInto(scope: Scope, states: readonly BreakerState[]): string {
  const entered = series('transitions', scope, oneOf(LABEL.state, states));
  return sum([...BY_BREAKER, LABEL.state, LABEL.reason], `increase(${entered}[${scope.window}])`);
}

/** All trips in the window. */
export function tripCount(scope: Scope): string {
  return `sum(increase(${series('transitions', scope, `${LABEL.state}="open"`)}[${scope.window}]))`;
}

export function highest(metric: 'failureRatio' | 'thresholdRatio', scope: Scope): string {
  return `max by (${BY_BREAKER.join(', ')}) (${series(metric, scope)})`;
}

/** Calls per second, by `by`; only those that ended in one of `outcomes` where it is given. */
export function callRate(scope: Scope, by: readonly string[], outcomes?: readonly CallOutcome[]): string {
  return sum(by, rate(series('calls', scope, outcomes && oneOf(LABEL.outcome, outcomes)), scope));
}

/** The share of a breaker's calls after which the caller had no answer; absent where there are no calls. */
export function unservedRatio(scope: Scope): string {
  return `${callRate(scope, BY_BREAKER, UNSERVED_OUTCOMES)} / (${callRate(scope, BY_BREAKER)} > 0)`;
}

/** A counter's rate per second, by `by`. */
export function counterRate(metric: MetricKey, scope: Scope, by: readonly string[]): string {
  return sum(by, rate(series(metric, scope), scope));
}

/** The current value of an up-down counter, added up by `by`. */
export function total(metric: MetricKey, scope: Scope, by: readonly string[]): string {
  return sum(by, series(metric, scope));
}

/** Buckets of the call duration as rates, by `by`. */
export function durationRate(scope: Scope, by: readonly string[]): string {
  return sum([LABEL.bucket, ...by], rate(histogram('callDuration', scope), scope));
}

/** A quantile of the call duration in seconds, by `by`. */
export function durationQuantile(q: number, scope: Scope, by: readonly string[]): string {
  return `histogram_quantile(${q}, ${durationRate(scope, by)})`;
}

/**
 * A quantile of the wait in a buffer wire, in seconds. A histogram is born with its first record: a wire's first drain,
 * over within one scrape, would be missed by `rate`.
 */
export function waitQuantile(q: number, scope: Scope, newbornLookback: string): string {
  const buckets = rise(histogram('wireWait', scope), scope.window, newbornLookback);
  return `histogram_quantile(${q}, ${sum([LABEL.bucket], buckets)})`;
}

/** The fullest instance of each wire: depth over capacity, 0 to 1. A wire without capacity holds nothing and is left out. */
export function wireFill(scope: Scope): string {
  return `max by (${BY_WIRE.join(', ')}) (${series('wireDepth', scope)} / (${series('wireCapacity', scope)} > 0))`;
}

export function oldestAge(scope: Scope): string {
  return `max by (${BY_WIRE.join(', ')}) (${series('wireOldestAge', scope)})`;
}

/**
 * What the wires hold, or can hold: of each the sum of its instances, and of one of `sharedWires`, whose instances all report what
 * they hold together, the most that one of them says.
 */
export function held(metric: 'wireDepth' | 'wireCapacity' | 'wireSize', scope: Scope, sharedWires: string): string {
  const own = sum(BY_WIRE, series(metric, scope, `${LABEL.wire}!~"${sharedWires}"`));
  const shared = `max by (${BY_WIRE.join(', ')}) (${series(metric, scope, `${LABEL.wire}=~"${sharedWires}"`)})`;
  return `${own} or ${shared}`;
}

/** Calls given up in the window, per wire and reason; also of a process that dropped before its first scrape. */
export function drops(scope: Scope, newbornLookback: string): string {
  return sum([...BY_WIRE, LABEL.dropReason], rise(series('wireDropped', scope), scope.window, newbornLookback));
}

/** All calls given up in the window. */
export function dropCount(scope: Scope): string {
  return `sum(increase(${series('wireDropped', scope)}[${scope.window}])) or vector(0)`;
}

/** Calls that leave a buffer wire for good, per second: replayed or dead. A retried one stays. */
export function leaving(scope: Scope): string {
  return sum(BY_WIRE, rate(series('wireDrained', scope, oneOf(LABEL.wireOutcome, ['replayed', 'dead'])), scope));
}

/** Seconds until a buffer wire is empty at its present drain rate, over all instances; absent while nothing drains. */
export function timeToEmpty(scope: Scope, sharedWires: string): string {
  return `(${held('wireDepth', scope, sharedWires)}) / (${leaving(scope)} > 0)`;
}

/** A series selector; the metric's name comes from the conventions. */
export function series(metric: MetricKey, scope: Scope, ...matchers: readonly (string | undefined)[]): string {
  return selector(METRICS[metric].prometheus, scope, matchers);
}

function histogram(metric: 'callDuration' | 'wireWait', scope: Scope): string {
  return selector(`${METRICS[metric].prometheus}_bucket`, scope, []);
}

function selector(name: string, scope: Scope, matchers: readonly (string | undefined)[]): string {
  const all = [scope.matchers, ...matchers].filter((matcher) => matcher !== undefined && matcher !== '');
  return all.length === 0 ? name : `${name}{${all.join(', ')}}`;
}

function inStates(scope: Scope, states: readonly BreakerState[]): string {
  return series('status', scope, oneOf(LABEL.state, states));
}

/**
 * How far a counter rose in the window. `increase` needs two samples and so misses what a series was born with: such a
 * series counts from 0. Born means absent for the whole lookback; otherwise a gap in scraping would report old trips again.
 */
function rise(counter: string, window: string, lookback: string): string {
  const newborn = `last_over_time(${counter}[${window}]) unless max_over_time(${counter}[${lookback}] offset ${window})`;
  return `(${newborn}) or increase(${counter}[${window}])`;
}

function rate(counter: string, scope: Scope): string {
  return `rate(${counter}[${scope.window}])`;
}

function sum(by: readonly string[], expression: string): string {
  return by.length === 0 ? `sum(${expression})` : `sum by (${by.join(', ')}) (${expression})`;
}

function oneOf(name: string, values: readonly string[]): string {
  return values.length === 1 ? `${name}="${values[0]}"` : `${name}=~"${values.join('|')}"`;
}

/** Prometheus has no dots in label names. */
function label(attribute: string): string {
  return attribute.replaceAll('.', '_');
}
