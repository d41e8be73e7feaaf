/** The list of breakers. */
import { byId, element, setText, text } from './dom.js';
import { keyOf, rowsOf, stateOf, stateWord } from './model.js';
import { createRow } from './row.js';

/**
 * @typedef {import('./model.js').Fleet} Fleet
 * @typedef {import('./row.js').Row} Row
 */

/** @param {import('./row.js').RowOptions} options */
export function createFleetTable(options) {
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
      for (const [key, existing] of drawn) {
        if (wanted.has(key)) continue;
        for (const row of existing.rows()) row.remove();
        drawn.delete(key);
      }
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
      let next = body.firstElementChild;
      for (const view of rows) {
        const key = keyOf(view.service, view.breaker);
        const existing = drawn.get(key) ?? createRow(view, options);
        drawn.set(key, existing);
        existing.draw(view, now);
        for (const row of existing.rows()) {
          if (row === next) next = next.nextElementSibling;
          else body.insertBefore(row, next);
        }
      }
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
