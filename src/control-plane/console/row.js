/** One row of the list: a breaker over all its instances. */
import { cell, clock, element, lines, setText, text } from './dom.js';
import { createInstances } from './instances.js';
import {
  callsOfNote,
  canAct,
  deliveryText,
  livenessText,
  shortCount,
  shortSpan,
  stateOf,
  statesText,
  stateWord,
  wireLoad,
} from './model.js';
import { stateIcon } from './state-icon.js';

/**
 * @typedef {import('./model.js').BreakerView} BreakerView
 * @typedef {'trip' | 'reset' | 'hold' | 'release'} ActionName
 * @typedef {{
 *   onAction: (action: ActionName, service: string, breaker: string) => void,
 *   load: (service: string, breaker: string) => Promise<import('./model.js').BreakerDetail>,
 *   onToggle: () => void,
 * }} RowOptions
 * @typedef {{
 *   rows: () => HTMLTableRowElement[],
 *   draw: (view: BreakerView, now: number) => void,
 * }} Row `rows` are its own and, where it is open, that of its instances
 */

let rowsMade = 0;

/** @param {BreakerView} first @param {RowOptions} options @returns {Row} */
export function createRow(first, { onAction, load, onToggle }) {
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
  const toggle = element('button', { type: 'button', className: 'toggle', textContent: breaker });
  toggle.title = 'Show its instances';
  toggle.setAttribute('aria-expanded', 'false');
  title.append(toggle);
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

  rowsMade += 1;
  const id = `instances-${rowsMade}`;
  /** @type {ReturnType<typeof createInstances> | null} */
  let instances = null;
  toggle.addEventListener('click', () => {
    if (instances) {
      instances.row.remove();
      instances = null;
      toggle.removeAttribute('aria-controls');
    } else {
      instances = createInstances({
        id,
        title: `Instances of ${breaker} of ${service}`,
        columns: row.cells.length,
        load: () => load(service, breaker),
      });
      toggle.setAttribute('aria-controls', id);
    }
    toggle.setAttribute('aria-expanded', String(instances !== null));
    onToggle();
  });

  return {
    rows: () => (instances ? [row, instances.row] : [row]),
    draw(view, now) {
      instances?.draw(view, now);
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
      const shown = { trip: canAct(view), reset: canAct(view), release: Boolean(view.override), hold: true };
      for (const { action, button } of actions) button.hidden = !shown[action];
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
