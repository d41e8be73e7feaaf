/** Starts the page: token, stream, and one drawing per frame. */
import { ApiError, breakerPath, follow, request } from './api.js';
import { createActionDialog, createTokenDialog } from './dialogs.js';
import { byId } from './dom.js';
import { createStateFilter, drawConnection } from './header.js';
import { auditItem, drawLog, eventItem } from './history.js';
import { applyMessage, isFailure, keyOf, newest, RARE_EVENTS, remember, remind } from './model.js';
import { createFleetTable } from './table.js';

const TOKEN_KEY = 'switchgear.token';

/** @type {import('./model.js').Fleet} */
const fleet = new Map();
/** @type {any[]} */
const events = [];
/** Apart from the other events, so that they push none of them out. @type {any[]} */
const failures = [];
/** @type {any[]} */
const audits = [];
const filter = { text: '', state: '' };
const connection = { status: 'connecting', since: Date.now(), why: '' };
/** When the data was last known to be true; null before the first snapshot. @type {number | null} */
let asOf = null;
let token = '';
let following = new AbortController();
let isDrawing = false;

const tokenDialog = createTokenDialog((given) => {
  sessionStorage.setItem(TOKEN_KEY, given);
  start(given);
});
const actionDialog = createActionDialog({
  token: () => token,
  view: (service, breaker) => fleet.get(keyOf(service, breaker)),
  isLive: () => connection.status === 'live',
  onUnauthorized: refused,
});
const table = createFleetTable({ onAction: actionDialog.open, load: loadBreaker, onToggle: draw });
const states = createStateFilter((state) => {
  filter.state = state;
  draw();
});

const filterInput = /** @type {HTMLInputElement} */ (byId('filter'));
filterInput.addEventListener('input', () => {
  filter.text = filterInput.value;
  draw();
});
const showFailures = /** @type {HTMLInputElement} */ (byId('show-failures'));
showFailures.addEventListener('change', drawEvents);
byId('change-token').addEventListener('click', () => tokenDialog.ask(''));
// A link with a token, opened in a tab that shows the page already, changes the fragment only.
addEventListener('hashchange', begin);
setInterval(draw, 1_000);
begin();

function begin() {
  const given = takeTokenFromAddress() ?? sessionStorage.getItem(TOKEN_KEY);
  draw();
  if (!given) tokenDialog.ask('');
  else if (given !== token) start(given);
}

/** The token of a link such as `/#token=…` leaves the address bar, and so the history, at once. */
function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return null;
  history.replaceState(null, '', location.pathname + location.search);
  sessionStorage.setItem(TOKEN_KEY, given);
  return given;
}

/** @param {string} given */
function start(given) {
  following.abort();
  following = new AbortController();
  token = given;
  setConnection('connecting', '');
  const { signal } = following;
  follow({
    token,
    signal,
    onMessage: take,
    onLive() {
      setConnection('live', '');
      loadHistory(given, signal);
    },
    onLost: (why) => setConnection('reconnecting', why),
    onRefused: refused,
  });
}

/** @param {string} event @param {any} data */
function take(event, data) {
  if (event === 'event') takeEvent(data);
  else if (event === 'audit') drawAudit(remember(audits, data));
  else if (applyMessage(fleet, event, data)) schedule();
}

/** What happened before the page was opened, and while it was not connected. @param {string} given @param {AbortSignal} signal */
async function loadHistory(given, signal) {
  try {
    const paths = ['/api/v1/audit?limit=50', '/api/v1/events?limit=50'];
    for (const event of RARE_EVENTS) paths.push(`/api/v1/events?limit=50&event=${event}`);
    const [acts, ...past] = await Promise.all(paths.map((path) => request(given, 'GET', path)));
    if (signal.aborted) return;
    const items = past.flatMap((page) => page.items);
    remind(failures, items.filter(isFailure));
    remind(
      events,
      items.filter((item) => !isFailure(item)),
    );
    remind(audits, acts.items);
    drawEvents();
    drawAudit(true);
  } catch (error) {
    byId('no-events').textContent = `Earlier events could not be read. ${error instanceof Error ? error.message : ''}`;
  }
}

/** @param {string} service @param {string} breaker */
async function loadBreaker(service, breaker) {
  const given = token;
  try {
    return await request(given, 'GET', breakerPath(service, breaker));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401 && given === token) refused(error);
    throw error;
  }
}

/** @param {ApiError} error */
function refused(error) {
  following.abort();
  if (error.status === 401) sessionStorage.removeItem(TOKEN_KEY);
  token = '';
  setConnection('refused', error.message);
  tokenDialog.ask(error.message);
}

/** @param {string} status @param {string} why */
function setConnection(status, why) {
  if (connection.status === 'live' && status !== 'live') asOf = Date.now();
  if (connection.status !== status) connection.since = Date.now();
  connection.status = status;
  connection.why = why;
  schedule();
}

function schedule() {
  if (isDrawing) return;
  isDrawing = true;
  // Not a frame: frames stop in a tab that is hidden, and its title and state would stop with them.
  setTimeout(() => {
    isDrawing = false;
    draw();
  }, 50);
}

function draw() {
  const now = Date.now();
  drawConnection(connection, asOf, now);
  states.draw(fleet);
  table.draw(fleet, filter, { now, known: connection.status === 'live' });
  table.announce(fleet);
  actionDialog.refresh();
  const open = [...fleet.values()].filter(({ state }) => state === 'open' || state === 'forced_open').length;
  const title =
    connection.status === 'live' ? (open > 0 ? `(${open} open) Switchgear` : 'Switchgear') : '(not live) Switchgear';
  if (document.title !== title) document.title = title;
}

/** @param {any} item */
function takeEvent(item) {
  const isHidden = isFailure(item) && !showFailures.checked;
  if (remember(isFailure(item) ? failures : events, item) && !isHidden) drawEvents();
}

function drawEvents() {
  const shown = showFailures.checked ? newest(events, failures) : events;
  drawLog(byId('events'), byId('no-events'), shown.map(eventItem));
}

/** @param {boolean} isNew */
function drawAudit(isNew) {
  if (isNew) drawLog(byId('audit'), byId('no-audit'), audits.map(auditItem));
}
