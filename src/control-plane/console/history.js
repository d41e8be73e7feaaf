/** What stands below the list: recent events, and what operators did. */
import { element, text, time } from './dom.js';
import { changeText, eventWord } from './model.js';

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
    text('strong', eventWord(item)),
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
    text('small', [item.actor, item.reason, changeText(item)].filter(Boolean).join(': ')),
  );
  return line;
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
