/** Draws the page. Names come from the network: text is only ever set as text. */
import {
  callsOfNote,
  countsByState,
  deliveryText,
  keyOf,
  livenessText,
  rowsOf,
  STATES,
  shortCount,
  shortSpan,
  stateOf,
  statesText,
  stateWord,
  wireLoad,
} from './model.js';

/**
 * @typedef {import('./model.js').BreakerView} BreakerView
 * @typedef {import('./model.js').Fleet} Fleet
 * @typedef {'trip' | 'reset' | 'hold' | 'release'} ActionName
 * @typedef {{ row: HTMLTableRowElement, draw: (view: BreakerView, now: number) => void }} Row
 */

/**
 * The element with this id. @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/** Sets text where it differs: an unchanged node keeps its selection and stays silent in a screen reader. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The list of breakers. @param {{ onAction: (action: ActionName, service: string, breaker: string) => void }} options */
export function createFleetTable({ onAction }) {
  const body = byId('rows');
  /** @type {Map<string, Row>} */
  const drawn = new Map();
  /** @type {Map<string, string>} */
  const lastStates = new Map();

  return {
    /** @param {Fleet} fleet @param {{ text: string, state: string }} filter @param {{ now: number, known: boolean }} at */
    draw(fleet, filter, { now, known }) {
      const { rows, found } = rowsOf(fleet, filter);
      const wanted = new Set(rows.map((view) => keyOf(view.service, view.breaker)));
      for (const [key, { row }] of drawn) {
        if (wanted.has(key)) continue;
        row.remove();
        drawn.delete(key);
      }
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
      rows.forEach((view, index) => {
        const key = keyOf(view.service, view.breaker);
        const existing = drawn.get(key) ?? createRow(view, onAction);
        drawn.set(key, existing);
        existing.draw(view, now);
        if (body.children[index] !== existing.row) body.insertBefore(existing.row, body.children[index] ?? null);
      });
      if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
      byId('fleet').hidden = rows.length === 0;
      const more = byId('more');
      more.hidden = found === rows.length;
      setText(more, `${rows.length} of ${found} shown, the broken first. Filter to see the rest.`);
      drawEmpty(fleet.size, rows.length, known);
    },
    /** Says aloud which breakers changed their state since the last time. @param {Fleet} fleet */
    announce(fleet) {
      /** @type {string[]} */
      const changes = [];
      for (const [key, view] of fleet) {
        const before = lastStates.get(key);
        const state = stateOf(view);
        if (before !== undefined && before !== state)
          changes.push(`${view.breaker} of ${view.service} is ${stateWord(state).toLowerCase()}`);
        lastStates.set(key, state);
      }
      for (const key of lastStates.keys()) if (!fleet.has(key)) lastStates.delete(key);
      if (changes.length > 3) setText(byId('announcer'), `${changes.length} breakers changed their state.`);
      else if (changes.length > 0) setText(byId('announcer'), `${changes.join('; ')}.`);
    },
  };
}

/** The counts per state, which filter the list as well. @param {(state: string) => void} onChoose */
export function createStateFilter(onChoose) {
  const choices = [{ state: '', word: 'All' }, ...STATES];
  const parts = choices.map(({ state, word }) => {
    const input = element('input', { type: 'radio', name: 'state', value: state, id: `state-${state || 'all'}` });
    input.checked = state === '';
    input.addEventListener('change', () => onChoose(state));
    const count = element('b', {});
    const label = element('label', { htmlFor: input.id });
    if (state) label.append(stateIcon(state));
    label.append(text('span', word), count);
    label.dataset.state = state;
    byId('states').append(input, label);
    return { state, count, label };
  });
  return {
    /** @param {Fleet} fleet */
    draw(fleet) {
      const counts = countsByState(fleet);
      for (const { state, count, label } of parts) {
        const number = state === '' ? fleet.size : (counts[state] ?? 0);
        setText(count, String(number));
        label.classList.toggle('none', number === 0);
      }
    },
  };
}

/**
 * @param {{ status: string, since: number, why: string }} connection @param {number | null} asOf when the data was last live
 * @param {number} now
 */
export function drawConnection({ status, since, why }, asOf, now) {
  const root = byId('connection');
  root.dataset.status = status;
  document.body.dataset.status = status;
  const words = {
    connecting: 'connecting',
    live: 'live',
    reconnecting: `reconnecting since ${clock(since)} (${shortSpan(now - since)})`,
    refused: 'not connected',
  };
  setText(byId('connection-text'), words[/** @type {keyof typeof words} */ (status)] ?? status);
  const notice = byId('notice');
  notice.hidden = status === 'live' || status === 'connecting';
  const shown = asOf === null ? '' : ` What you see is as it was at ${clock(asOf)}; it may be wrong now.`;
  if (!notice.hidden) setText(notice, `${why}${shown}`);
}

/** @param {HTMLElement} list @param {HTMLElement} hint @param {readonly HTMLElement[]} items */
export function drawLog(list, hint, items) {
  list.replaceChildren(...items);
  hint.hidden = items.length > 0;
}

/** @param {any} item an item of /api/v1/events */
export function eventItem(item) {
  const line = element('li', {});
  line.dataset.severity = item.severity;
  line.append(
    time(item.at),
    text(
      'strong',
      String(item.event)
        .replace(/^breaker\./, '')
        .replaceAll('_', ' ')
        .replaceAll('.', ' '),
    ),
    text('span', `${item.service} / ${item.breaker}`),
    text('small', attributesText(item)),
  );
  return line;
}

/** @param {any} item an item of /api/v1/audit */
export function auditItem(item) {
  const line = element('li', {});
  line.append(
    time(item.at),
    text('strong', item.action),
    text('span', `${item.service} / ${item.breaker}`),
    text('small', [item.actor, item.reason].filter(Boolean).join(': ')),
  );
  return line;
}

/** @param {number} total @param {number} shown @param {boolean} known */
function drawEmpty(total, shown, known) {
  const empty = byId('empty');
  empty.hidden = shown > 0 || !known;
  if (empty.hidden) return;
  if (total > 0) {
    empty.replaceChildren(text('p', 'No breaker matches the filter.'));
    return;
  }
  const how = element('p', {});
  how.append(
    'Start a service with ',
    text('code', 'node --import @switchgear/register'),
    ' and ',
    text('code', `SWITCHGEAR_URL=${location.origin}`),
    ', or send its telemetry over OTLP/HTTP to ',
    text('code', `${location.origin}/v1`),
    '. It appears here by itself.',
  );
  empty.replaceChildren(text('h3', 'No breakers yet'), how);
}

/** @param {BreakerView} first @param {(action: ActionName, service: string, breaker: string) => void} onAction @returns {Row} */
function createRow(first, onAction) {
  const { service, breaker } = first;
  const row = element('tr', {});
  const icon = element('span', { className: 'icon' });
  const word = text('strong', '');
  const state = cell(row, 'State', 'state');
  state.append(icon, word);
  const name = cell(row, 'Service', 'name');
  name.append(text('span', service));
  const title = element('th', { scope: 'row', className: 'name' });
  title.dataset.label = 'Breaker';
  title.append(text('span', breaker));
  row.append(title);
  const [states, liveness] = lines(cell(row, 'Instances', 'instances'));
  const [failed, diverted] = lines(cell(row, 'Calls', 'calls'));
  const wires = wireCell(cell(row, 'Neutral wires', 'wires'));
  const [override, overrideWhy] = lines(cell(row, 'Override', 'override'));
  const delivery = cell(row, 'Delivery', 'delivery');
  const deliveryWord = text('span', '');
  delivery.append(deliveryWord);
  const seen = cell(row, 'Seen', 'seen');
  const seenWord = text('span', '');
  seen.append(seenWord);
  const buttons = cell(row, '', 'actions');
  const actions = /** @type {ActionName[]} */ (['trip', 'reset', 'release', 'hold']).map((action) => {
    const button = element('button', { type: 'button', textContent: action[0]?.toUpperCase() + action.slice(1) });
    button.setAttribute('aria-label', `${button.textContent} ${breaker} of ${service}`);
    button.addEventListener('click', () => onAction(action, service, breaker));
    buttons.append(button);
    return { action, button };
  });

  return {
    row,
    draw(view, now) {
      const current = stateOf(view);
      if (row.dataset.state !== current) {
        row.dataset.state = current;
        icon.replaceChildren(stateIcon(current));
        setText(word, stateWord(current));
      }
      setText(states, statesText(view.states) || 'no live state');
      setText(liveness, livenessText(view.instances));
      liveness.classList.toggle('warn', view.instances.live === 0 || view.instances.stale > 0);
      const calls = callsOfNote(view.calls);
      setText(failed, `${shortCount(calls.failed)} failed`);
      failed.classList.toggle('quiet', calls.failed === 0);
      const rejected = calls.rejected > 0 ? ` · ${shortCount(calls.rejected)} rejected` : '';
      setText(diverted, `${shortCount(calls.diverted)} diverted${rejected}`);
      diverted.classList.toggle('bad', calls.rejected > 0);
      wires(view.wires);
      drawOverride(view.override, override, overrideWhy, now);
      setText(deliveryWord, deliveryText(view.delivery) || '–');
      delivery.dataset.level = view.delivery.failed > 0 ? 'bad' : view.delivery.pending > 0 ? 'wait' : '';
      setText(seenWord, shortSpan(now - Date.parse(view.lastSeenAt)));
      seenWord.title = view.lastSeenAt;
      seenWord.classList.toggle('warn', view.instances.live === 0);
      // Held by an operator: a trip or reset would change nothing until it is released.
      for (const { action, button } of actions)
        button.hidden = view.override ? action === 'trip' || action === 'reset' : action === 'release';
    },
  };
}

/** @param {BreakerView['override']} override @param {HTMLElement} mode @param {HTMLElement} why @param {number} now */
function drawOverride(override, mode, why, now) {
  const left = override ? Date.parse(override.expiresAt) - now : 0;
  const until = !override ? '' : left > 0 ? `${clock(override.expiresAt)} (${shortSpan(left)})` : 'expired';
  setText(mode, override ? `${stateWord(override.mode)} until ${until}` : '–');
  setText(why, override ? `${override.reason} — ${override.actor}` : '');
  why.title = override?.reason ?? '';
}

/** @param {HTMLElement} parent */
function wireCell(parent) {
  const bar = element('span', { className: 'bar' });
  const fill = element('span', {});
  bar.append(fill);
  const amount = text('span', '');
  const top = element('span', { className: 'load' });
  top.append(bar, amount);
  const rest = text('small', '');
  parent.append(top, rest);
  return (/** @type {BreakerView['wires']} */ wires) => {
    const load = wireLoad(wires);
    bar.hidden = load.share === null;
    bar.dataset.level = load.level;
    fill.style.width = `${Math.round((load.share ?? 0) * 100)}%`;
    const none = wires.length === 0 ? 'no wire' : wires.map(({ name }) => name).join(', ');
    setText(amount, load.share === null ? none : `${shortCount(load.depth)} / ${shortCount(load.capacity)}`);
    amount.classList.toggle('quiet', load.share === null);
    const facts = [
      load.depth > 0 && `oldest ${shortSpan(load.oldestAgeSeconds * 1_000)}`,
      load.dropped > 0 && `${shortCount(load.dropped)} dropped`,
      load.dead > 0 && `${shortCount(load.dead)} dead`,
    ];
    setText(rest, facts.filter(Boolean).join(' · '));
    rest.classList.toggle('bad', load.dropped + load.dead > 0);
  };
}

/** A shape per state, so that colour is never the only sign. */
const SHAPES = /** @type {Record<string, string>} */ ({
  closed: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13zM5 8.200l2.200 2.200L11.200 6',
  open: 'M5.200 1.500h5.600l3.700 3.700v5.600l-3.700 3.700H5.200L1.500 10.800V5.200zM5.500 5.500l5 5M10.500 5.500l-5 5',
  half_open: 'M8 1.500L15 14H1zM8 6v4M8 12v.2',
  forced_open: 'M3 7h10v7.500H3zM5 7V4.500a3 3 0 0 1 6 0V7',
  disabled: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13zM3.500 12.500l9-9',
  shadow: 'M1 8c3-5.500 11-5.500 14 0c-3 5.500-11 5.500-14 0zM8 6a2 2 0 1 0 0 4a2 2 0 0 0 0-4z',
  unknown: 'M8 1l7 7-7 7-7-7zM6.300 6.500c.3-2 3.400-2 3.400 0c0 1.300-1.700 1.200-1.700 2.700M8 11v.2',
});

/** @param {string} state */
function stateIcon(state) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.dataset.state = state;
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[state] ?? SHAPES.unknown ?? '');
  svg.append(path);
  return svg;
}

/** @param {any} item */
function attributesText({ instance, attributes }) {
  const told = Object.entries(attributes ?? {})
    // A stack trace is many lines; the CLI's `--json` has it.
    .filter(([key]) => key !== 'breaker.name' && key !== 'exception.stacktrace')
    .map(([key, value]) => {
      const shown = typeof value === 'number' ? Number(value.toPrecision(4)) : value;
      return `${key.replace(/^breaker\./, '')} ${shown}`;
    });
  return [instance, ...told].join(' · ');
}

/** @param {string} at */
function time(at) {
  const node = element('time', { dateTime: at, textContent: clock(at), title: at });
  return node;
}

/** The local time of day, with seconds. @param {string | number} at */
function clock(at) {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** @param {HTMLElement} row @param {string} label @param {string} className */
function cell(row, label, className) {
  const node = element('td', { className });
  node.dataset.label = label;
  row.append(node);
  return node;
}

/** @param {HTMLElement} parent @returns {[HTMLElement, HTMLElement]} */
function lines(parent) {
  const pair = /** @type {[HTMLElement, HTMLElement]} */ ([text('span', ''), text('small', '')]);
  parent.append(...pair);
  return pair;
}

/** @param {string} tag @param {string} content */
function text(tag, content) {
  const node = document.createElement(tag);
  node.textContent = content;
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, unknown>} properties @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
