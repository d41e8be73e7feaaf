/** The dialogs: the token is asked for once; an action names what will happen before it does. */
import { ApiError, breakerPath, request } from './api.js';
import { byId, setText } from './dom.js';
import { progressOf } from './model.js';

/** @typedef {import('./model.js').BreakerView} BreakerView */

/** @param {(token: string) => void} onToken */
export function createTokenDialog(onToken) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('token-dialog'));
  const input = /** @type {HTMLInputElement} */ (byId('token'));
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const token = input.value.trim();
    if (!/^[\x21-\x7e]+$/.test(token))
      return problem('token-problem', 'A token has printable characters and no spaces.');
    input.value = '';
    dialog.close();
    onToken(token);
  });
  return {
    /** @param {string} why empty where nothing went wrong */
    ask(why) {
      problem('token-problem', why);
      if (!dialog.open) dialog.showModal();
      input.focus();
    },
  };
}

/**
 * @param {{
 *   token: () => string,
 *   view: (service: string, breaker: string) => BreakerView | undefined,
 *   isLive: () => boolean,
 *   onUnauthorized: (error: ApiError) => void,
 * }} options
 */
export function createActionDialog({ token, view, isLive, onUnauthorized }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('action-dialog'));
  const form = /** @type {HTMLFormElement} */ (byId('action-form'));
  const submit = /** @type {HTMLButtonElement} */ (byId('action-submit'));
  const cancel = byId('action-cancel');
  const reason = /** @type {HTMLTextAreaElement} */ (byId('reason'));
  const mode = /** @type {HTMLSelectElement} */ (byId('hold-mode'));
  const duration = /** @type {HTMLSelectElement} */ (byId('hold-duration'));
  /** @type {{ action: import('./row.js').ActionName, service: string, breaker: string, revision: number | null, detailAsked: boolean } | null} */
  let current = null;

  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    current = null;
  });
  mode.addEventListener('change', () => describe());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });

  async function send() {
    const asked = current;
    if (!asked || asked.revision !== null || submit.disabled) return;
    if (reason.value.trim() === '') return problem('action-problem', 'A reason is needed: the audit keeps it.');
    problem('action-problem', '');
    submit.disabled = true;
    try {
      const { method, verb, body } = requestOf(asked.action, reason.value.trim(), mode.value, Number(duration.value));
      const answer = await request(token(), method, breakerPath(asked.service, asked.breaker, verb), body);
      if (current !== asked) return;
      asked.revision = answer.revision;
      byId('action-fields').hidden = true;
      submit.hidden = true;
      setText(cancel, 'Close');
      cancel.focus();
      refresh();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) onUnauthorized(error);
      if (current === asked) problem('action-problem', messageOf(error));
    } finally {
      submit.disabled = false;
    }
  }

  function describe() {
    if (!current) return;
    setText(byId('action-effect'), effectOf(current.action, view(current.service, current.breaker), mode.value));
  }

  function refresh() {
    if (!current || current.revision === null) return;
    const { kind, text } = progressOf(view(current.service, current.breaker), current.revision);
    const node = byId('action-progress');
    node.hidden = false;
    node.dataset.kind = kind;
    const doubt = isLive() ? '' : ' The page is not live: this may be out of date.';
    if (kind === 'failed') explain(current, text);
    else setText(node, `${text}${doubt}`);
  }

  /** Asks once which instances failed, and why. @param {NonNullable<typeof current>} asked @param {string} text */
  async function explain(asked, text) {
    if (asked.detailAsked) return;
    asked.detailAsked = true;
    setText(byId('action-progress'), text);
    try {
      const detail = await request(token(), 'GET', breakerPath(asked.service, asked.breaker));
      const reasons = detail.byInstance
        .filter((/** @type {any} */ { applied }) => applied?.status === 'failed')
        .map((/** @type {any} */ { instance, applied }) => `${instance}: ${applied.error ?? 'no reason given'}`);
      if (current === asked) setText(byId('action-progress'), [text, ...reasons.slice(0, 5)].join('\n'));
    } catch {
      // The count is told already; the reasons are in the CLI's `show` too.
    }
  }

  return {
    /** @param {import('./row.js').ActionName} action @param {string} service @param {string} breaker */
    open(action, service, breaker) {
      current = { action, service, breaker, revision: null, detailAsked: false };
      const word = action[0]?.toUpperCase() + action.slice(1);
      setText(byId('action-title'), `${word} ${breaker} of ${service}`);
      setText(submit, word);
      setText(cancel, 'Cancel');
      submit.hidden = false;
      submit.dataset.action = action;
      byId('action-fields').hidden = false;
      byId('hold-fields').hidden = action !== 'hold';
      byId('action-progress').hidden = true;
      reason.value = '';
      mode.value = 'forced_open';
      duration.value = '30';
      problem('action-problem', '');
      describe();
      dialog.showModal();
      reason.focus();
    },
    refresh,
  };
}

/** @param {import('./row.js').ActionName} action @param {BreakerView | undefined} view @param {string} mode */
function effectOf(action, view, mode) {
  const live = view?.instances.live ?? 0;
  const where =
    live === 0
      ? 'No instance is live; it waits for the first that returns. '
      : `On ${live} live ${live === 1 ? 'instance' : 'instances'}. `;
  const wires = view?.wires.map(({ name }) => name).join(', ');
  const calls = wires ? `Calls go to its neutral wires (${wires}).` : 'It has no neutral wire: callers get an error.';
  if (action === 'trip')
    return `${where}Opens the breaker once. ${calls} It tries to recover by itself after its cooldown.`;
  if (action === 'reset')
    return `${where}Closes the breaker once, whatever it has counted. All calls reach the dependency again; it may trip again.`;
  if (action === 'release') return `${where}Ends the hold. The breaker decides for itself again.`;
  if (mode === 'disabled') return `${where}Lets every call through, however many fail, until the hold ends.`;
  if (mode === 'shadow') return `${where}Counts and reports trips but rejects nothing, until the hold ends.`;
  return `${where}Keeps the breaker open; it does not probe until the hold ends. ${calls}`;
}

/** @param {import('./row.js').ActionName} action @param {string} reason @param {string} mode @param {number} minutes */
function requestOf(action, reason, mode, minutes) {
  if (action === 'release') return { method: 'DELETE', verb: 'override', body: { reason } };
  if (action !== 'hold') return { method: 'POST', verb: action, body: { reason } };
  const expiresAt = new Date(Date.now() + minutes * 60_000).toISOString();
  return { method: 'PUT', verb: 'override', body: { mode, reason, expiresAt } };
}

/** @param {unknown} error */
function messageOf(error) {
  if (error instanceof ApiError)
    return [error.message, ...error.fields.filter((field) => !error.message.includes(field))].join('\n');
  return `The page failed: ${error instanceof Error ? error.message : String(error)}`;
}

/** @param {string} id @param {string} message hidden where empty */
function problem(id, message) {
  const node = byId(id);
  node.hidden = message === '';
  setText(node, message);
}
