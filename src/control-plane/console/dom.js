/** Making and changing elements. Names come from the network: text is only ever set as text. */

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

/** @param {string} at */
export function time(at) {
  return element('time', { dateTime: at, textContent: clock(at), title: at });
}

/** The local time of day, with seconds. @param {string | number} at */
export function clock(at) {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** @param {HTMLElement} row @param {string} label @param {string} className */
export function cell(row, label, className) {
  const node = element('td', { className });
  node.dataset.label = label;
  row.append(node);
  return node;
}

/** @param {HTMLElement} parent @returns {[HTMLElement, HTMLElement]} */
export function lines(parent) {
  const pair = /** @type {[HTMLElement, HTMLElement]} */ ([text('span', ''), text('small', '')]);
  parent.append(...pair);
  return pair;
}

/** @param {string} tag @param {string} content */
export function text(tag, content) {
  const node = document.createElement(tag);
  node.textContent = content;
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, unknown>} properties @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
