/** What stands above the list: the connection, and the counts per state. */
import { byId, clock, element, setText, text } from './dom.js';
import { countsByState, STATES, shortSpan } from './model.js';
import { stateIcon } from './state-icon.js';

/** @typedef {import('./model.js').Fleet} Fleet */

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
