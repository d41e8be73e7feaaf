/** The instances of one breaker, under its row; read when it is opened, and again when the breaker changed. */
import { ApiError } from './api.js';
import { cell, element, lines, setText, text } from './dom.js';
import { appliedText, instancesOf, ratioText, shortSpan, stateWord } from './model.js';
import { stateIcon } from './state-icon.js';

/**
 * @typedef {import('./model.js').BreakerView} BreakerView
 * @typedef {import('./model.js').BreakerDetail} BreakerDetail
 * @typedef {import('./model.js').InstanceView} InstanceView
 * @typedef {{ row: HTMLTableRowElement, draw: (instance: InstanceView, revision: number, now: number) => void }} InstanceRow
 */

/** Reads are at least this far apart, however often the breaker changes, in milliseconds. */
const READ_EVERY_MS = 1_000;
const READ_AGAIN_AFTER_FAILURE_MS = 5_000;
const COLUMNS = ['Instance', 'Liveness', 'State', 'Since', 'Failure ratio', 'Desired state'];

/**
 * @param {{ id: string, title: string, columns: number, load: () => Promise<BreakerDetail> }} options `columns` of the
 *   table it stands in
 */
export function createInstances({ id, title, columns, load }) {
  const row = element('tr', { className: 'detail', id });
  const holder = element('td', { colSpan: columns });
  row.append(holder);
  const hint = text('p', 'Reading the instances…');
  hint.className = 'hint';
  hint.setAttribute('role', 'status');
  const table = element('table', { className: 'by-instance', hidden: true });
  table.setAttribute('aria-label', title);
  const head = element('tr', {});
  head.append(...COLUMNS.map((column) => element('th', { scope: 'col', textContent: column })));
  const body = element('tbody', {});
  table.append(element('thead', {}), body);
  table.tHead?.append(head);
  holder.append(table, hint);
  /** @type {InstanceRow[]} */
  const drawn = [];
  /** @type {BreakerDetail | null} */
  let detail = null;
  /** What the breaker looked like when it was last read. @type {BreakerView | null} */
  let readFor = null;
  let isReading = false;
  let readAt = Number.NEGATIVE_INFINITY;

  /** @param {BreakerView} view */
  async function read(view) {
    isReading = true;
    readFor = view;
    try {
      detail = await load();
      readAt = Date.now() + READ_EVERY_MS;
      table.hidden = false;
      drawRows(Date.now());
    } catch (error) {
      readFor = null;
      readAt = Date.now() + READ_AGAIN_AFTER_FAILURE_MS;
      const why = error instanceof ApiError ? error.message : String(error);
      const shown = detail ? ' They are shown as they were before.' : '';
      setText(hint, `The instances could not be read. ${why}${shown}`);
      hint.hidden = false;
    } finally {
      isReading = false;
    }
  }

  /** @param {number} now */
  function drawRows(now) {
    if (!detail) return;
    const { rows, found } = instancesOf(detail);
    while (drawn.length > rows.length) drawn.pop()?.row.remove();
    rows.forEach((instance, index) => {
      let line = drawn[index];
      if (!line) {
        line = createInstanceRow();
        drawn.push(line);
        body.append(line.row);
      }
      line.draw(instance, detail?.delivery.revision ?? 0, now);
    });
    if (readFor === null) return;
    hint.hidden = found === rows.length;
    setText(hint, `${rows.length} of ${found} instances shown, those that need eyes first. The CLI lists them all.`);
  }

  return {
    row,
    /** @param {BreakerView} view @param {number} now */
    draw(view, now) {
      if (!isReading && view !== readFor && now >= readAt) read(view);
      drawRows(now);
    },
  };
}

/** @returns {InstanceRow} */
function createInstanceRow() {
  const row = element('tr', {});
  const name = element('th', { scope: 'row' });
  name.dataset.label = 'Instance';
  row.append(name);
  const [id, build] = lines(name);
  const [liveness, seen] = lines(cell(row, 'Liveness', 'liveness'));
  const state = cell(row, 'State', 'state');
  const icon = element('span', { className: 'icon' });
  const word = text('strong', '');
  state.append(icon, word);
  const [since] = lines(cell(row, 'Since', 'since'));
  const [ratio] = lines(cell(row, 'Failure ratio', 'ratio'));
  const delivery = cell(row, 'Desired state', 'delivery');
  const [applied, why] = lines(delivery);
  return {
    row,
    draw(instance, revision, now) {
      setText(id, instance.instance);
      setText(build, [instance.version, instance.environment].filter(Boolean).join(' · '));
      setText(liveness, instance.liveness);
      liveness.classList.toggle('warn', instance.liveness !== 'live');
      setText(seen, `seen ${shortSpan(now - Date.parse(instance.lastSeenAt))} ago`);
      seen.title = instance.lastSeenAt;
      const current = instance.state ?? 'unknown';
      if (row.dataset.state !== current) {
        row.dataset.state = current;
        icon.replaceChildren(stateIcon(current));
        setText(word, stateWord(current));
      }
      setText(since, instance.stateSince === null ? '–' : shortSpan(now - Date.parse(instance.stateSince)));
      since.title = instance.stateSince ?? '';
      setText(ratio, ratioText(instance.failureRatio));
      const { text: told, error, level } = appliedText(instance, revision);
      setText(applied, told);
      setText(why, error);
      delivery.dataset.level = level;
    },
  };
}
