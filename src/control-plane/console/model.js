/**
 * What the page knows and how it lays it out; pure, so that it is tested without a browser.
 * @typedef {import('../fleet/view.ts').BreakerView} BreakerView
 * @typedef {import('../fleet/view.ts').BreakerDetail} BreakerDetail
 * @typedef {import('../fleet/view.ts').InstanceView} InstanceView
 * @typedef {import('../fleet/view.ts').WireView} WireView
 * @typedef {import('@switchgear/conventions').BreakerState} BreakerState
 * @typedef {Map<string, BreakerView>} Fleet
 * @typedef {'waiting' | 'done' | 'failed' | 'nobody'} ProgressKind
 */

/** Most rows drawn at once: beyond it the filter is of more use than the list. */
export const MAX_ROWS = 500;

/** Most instances of one breaker drawn at once. */
export const MAX_INSTANCES = 100;

/** Most events, failures and audit entries kept of each. */
export const MAX_HISTORY = 100;

/** Told of single calls: a failing dependency makes hundreds of them for each trip. */
const FAILURE_EVENTS = new Set(['breaker.call.exception', 'breaker.call.rejected']);

/** Events that earlier failures would push out of a list of all events, so they are asked for by name too. */
export const RARE_EVENTS = ['breaker.trip', 'breaker.half_open', 'breaker.reset', 'breaker.override'];

/** States by how much they need eyes. `unknown` is a breaker that no live instance speaks for. */
export const STATES = /** @type {const} */ ([
  { state: 'open', word: 'Open', rank: 0 },
  { state: 'forced_open', word: 'Forced open', rank: 1 },
  { state: 'half_open', word: 'Half-open', rank: 2 },
  { state: 'unknown', word: 'Unknown', rank: 3 },
  { state: 'disabled', word: 'Disabled', rank: 4 },
  { state: 'shadow', word: 'Shadow', rank: 5 },
  { state: 'closed', word: 'Closed', rank: 6 },
]);

const RANKS = new Map(STATES.map(({ state, rank }) => [String(state), rank]));
const WORDS = new Map(STATES.map(({ state, word }) => [String(state), word]));

/** @param {string} service @param {string} breaker */
export function keyOf(service, breaker) {
  return JSON.stringify([service, breaker]);
}

/** @param {BreakerView} view */
export function stateOf(view) {
  return view.state ?? 'unknown';
}

/** @param {string} state */
export function stateWord(state) {
  return WORDS.get(state) ?? state;
}

/**
 * Takes one message of the stream into the fleet. Returns whether anything about the fleet changed.
 * @param {Fleet} fleet @param {string} event @param {any} data
 */
export function applyMessage(fleet, event, data) {
  if (event === 'snapshot') {
    fleet.clear();
    for (const view of data.items) fleet.set(keyOf(view.service, view.breaker), view);
  } else if (event === 'breaker') fleet.set(keyOf(data.service, data.breaker), data);
  else if (event === 'removed') return fleet.delete(keyOf(data.service, data.breaker));
  else return false;
  return true;
}

/**
 * The rows to show: broken first, then by service and breaker.
 * @param {Fleet} fleet @param {{ text: string, state: string }} filter an empty text or state lets all through
 */
export function rowsOf(fleet, filter) {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...fleet.values()].filter((view) => {
    if (filter.state !== '' && stateOf(view) !== filter.state) return false;
    const name = `${view.service} ${view.breaker}`.toLowerCase();
    return words.every((word) => name.includes(word));
  });
  found.sort((a, b) => rank(a) - rank(b) || compare(a.service, b.service) || compare(a.breaker, b.breaker));
  return { rows: found.slice(0, MAX_ROWS), found: found.length };
}

/** Breakers per state. @param {Fleet} fleet @returns {Record<string, number>} */
export function countsByState(fleet) {
  /** @type {Record<string, number>} */
  const counts = Object.fromEntries(STATES.map(({ state }) => [state, 0]));
  for (const view of fleet.values()) counts[stateOf(view)] = (counts[stateOf(view)] ?? 0) + 1;
  return counts;
}

/** @param {BreakerView['calls']} calls */
export function callsOfNote(calls) {
  return { failed: calls.failure + calls.timeout, diverted: calls.diverted, rejected: calls.rejected + calls.limited };
}

/**
 * The load on all wires of a breaker together; `share` is depth over capacity, null where nothing can be held.
 * @param {readonly WireView[]} wires
 */
export function wireLoad(wires) {
  const sum = { depth: 0, capacity: 0, dropped: 0, dead: 0, oldestAgeSeconds: 0 };
  for (const wire of wires) {
    sum.depth += wire.depth;
    sum.capacity += wire.capacity;
    sum.dropped += wire.dropped;
    sum.dead += wire.dead;
    sum.oldestAgeSeconds = Math.max(sum.oldestAgeSeconds, wire.oldestAgeSeconds);
  }
  const share = sum.capacity > 0 ? Math.min(1, sum.depth / sum.capacity) : null;
  return { ...sum, share, level: share === null ? 'none' : share >= 0.9 ? 'full' : share >= 0.6 ? 'high' : 'low' };
}

/** Live instances per state, the worst first: "2 open · 1 closed". @param {BreakerView['states']} states */
export function statesText(states) {
  return STATES.filter(({ state }) => state !== 'unknown' && states[/** @type {BreakerState} */ (state)] > 0)
    .map(({ state, word }) => `${states[/** @type {BreakerState} */ (state)]} ${word.toLowerCase()}`)
    .join(' · ');
}

/** @param {BreakerView['instances']} instances */
export function livenessText({ live, stale, gone }) {
  return [`${live} live`, stale > 0 && `${stale} stale`, gone > 0 && `${gone} gone`].filter(Boolean).join(' · ');
}

/** @param {BreakerView['delivery']} delivery */
export function deliveryText({ revision, applied, failed, pending }) {
  if (revision === 0) return '';
  const total = applied + failed + pending;
  if (total === 0) return 'waits for an instance';
  return [`applied on ${applied} of ${total}`, failed > 0 && `${failed} failed`, pending > 0 && `${pending} pending`]
    .filter(Boolean)
    .join(', ');
}

/**
 * The instances to show: those that failed to apply what is desired first, then live before stale before gone, then by
 * state and name.
 * @param {BreakerDetail} detail
 */
export function instancesOf({ byInstance, delivery }) {
  const order = (/** @type {InstanceView} */ instance) =>
    (appliedText(instance, delivery.revision).level === 'bad' ? 0 : 100) +
    LIVENESS.indexOf(instance.liveness) * 10 +
    (RANKS.get(instance.state ?? 'unknown') ?? 3);
  const sorted = byInstance.toSorted((a, b) => order(a) - order(b) || compare(a.instance, b.instance));
  return { rows: sorted.slice(0, MAX_INSTANCES), found: sorted.length };
}

const LIVENESS = ['live', 'stale', 'gone'];

/**
 * What became of the desired state on an instance. @param {InstanceView} instance @param {number} revision 0 where
 * nothing is desired
 */
export function appliedText({ applied, liveness }, revision) {
  if (revision === 0) return { text: '–', error: '', level: '' };
  if (applied?.revision !== revision)
    return liveness === 'live'
      ? { text: `revision ${revision} pending`, error: '', level: 'wait' }
      : { text: `revision ${revision} not taken`, error: '', level: '' };
  return applied.status === 'failed'
    ? { text: `revision ${revision} failed`, error: applied.error ?? 'no reason given', level: 'bad' }
    : { text: `revision ${revision} applied`, error: '', level: '' };
}

/** @param {number | null} ratio */
export function ratioText(ratio) {
  return ratio === null ? '–' : `${Number((ratio * 100).toFixed(1))} %`;
}

/**
 * How far a change has come. A later revision contains it, so it counts too.
 * @param {BreakerView | undefined} view @param {number} revision
 * @returns {{ kind: ProgressKind, text: string }}
 */
export function progressOf(view, revision) {
  if (!view) return { kind: 'nobody', text: 'The breaker is no longer known here.' };
  const { delivery, instances } = view;
  if (delivery.revision < revision) return { kind: 'waiting', text: 'Accepted. Waiting for the instances.' };
  const total = delivery.applied + delivery.failed + delivery.pending;
  const text = `Applied on ${delivery.applied} of ${total} live instances`;
  if (delivery.failed > 0) return { kind: 'failed', text: `${text}; failed on ${delivery.failed}.` };
  if (total === 0 || instances.live === 0)
    return { kind: 'nobody', text: 'Kept. No live instance can take it now; it applies when one returns.' };
  return delivery.pending > 0 ? { kind: 'waiting', text: `${text}…` } : { kind: 'done', text: `${text}.` };
}

/**
 * Puts an entry in front of a bounded history, unless it is there already (a reconnect tells some twice).
 * @template {{ id: number | string }} Entry
 * @param {Entry[]} history @param {Entry} entry
 */
export function remember(history, entry) {
  if (history.some(({ id }) => id === entry.id)) return false;
  history.unshift(entry);
  history.length = Math.min(history.length, MAX_HISTORY);
  return true;
}

/**
 * Puts what happened earlier into a bounded history, by its time; what is there already is not told twice.
 * @template {{ id: number | string, at: string }} Entry
 * @param {Entry[]} history @param {readonly Entry[]} items
 */
export function remind(history, items) {
  const byId = new Map([...items, ...history].map((entry) => [entry.id, entry]));
  history.splice(0, history.length, ...newest([...byId.values()]));
}

/** What an event is called in the list: `trip`, `half open`. @param {{ event: string, attributes?: Record<string, unknown> }} item */
export function eventWord({ event, attributes }) {
  // From shadow a breaker never opens: it tells of the trip that it did not make.
  if (event === 'breaker.trip' && attributes?.['breaker.previous_state'] === 'shadow') return 'trip in shadow';
  return event
    .replace(/^breaker\./, '')
    .replaceAll('_', ' ')
    .replaceAll('.', ' ');
}

/** What an entry of the audit laid over a breaker: its settings, or its mode. @param {{ action: string, after?: any }} item */
export function changeText({ action, after }) {
  if (action === 'config') return after ? JSON.stringify(after) : 'its own settings again';
  return action === 'override' && after ? `${after.mode} until ${after.expiresAt}` : '';
}

/**
 * Whether a trip or a reset would change anything: not while an override holds the breaker, nor where all of its live
 * instances are in a mode in which it decides nothing. @param {BreakerView} view
 */
export function canAct({ override, states, instances }) {
  const idle = states.shadow + states.disabled;
  return !override && (idle === 0 || idle < instances.live);
}

/** Whether an event tells of a single call, not of the breaker. @param {{ event: string }} item */
export function isFailure({ event }) {
  return FAILURE_EVENTS.has(event);
}

/**
 * The newest of several histories together, as many as one holds.
 * @template {{ at: string }} Entry
 * @param {readonly (readonly Entry[])[]} histories @returns {Entry[]}
 */
export function newest(...histories) {
  return histories
    .flat()
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, MAX_HISTORY);
}

/** A length of time: `12s`, `4m`, `3h`, `2d`. @param {number} ms */
export function shortSpan(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** A count in at most five characters: `950`, `12.3k`, `4.5M`. @param {number} count */
export function shortCount(count) {
  if (count < 10_000) return String(Math.round(count));
  if (count < 999_950) return `${trim(count / 1_000)}k`;
  if (count < 999_950_000) return `${trim(count / 1_000_000)}M`;
  return `${trim(count / 1_000_000_000)}G`;
}

/** @param {number} value */
function trim(value) {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

/**
 * Breakers that only look on, by a mode of their own, come last: a service has one for each host that it calls.
 * @param {BreakerView} view
 */
function rank(view) {
  return stateOf(view) === 'shadow' && !view.override ? RANKS.size : (RANKS.get(stateOf(view)) ?? 3);
}

/** @param {string} a @param {string} b */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
