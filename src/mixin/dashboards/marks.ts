import type { ValueText } from '../panels/kinds.ts';
import { LABEL, STATE_WEIGHTS } from '../queries.ts';

/** How the series of one breaker is called. */
export const BREAKER_LEGEND = `{{${LABEL.service}}} / {{${LABEL.breaker}}}`;

/** How each state is shown, the calmest first. */
export const STATES = [
  { state: 'closed', text: 'closed', color: 'green' },
  { state: 'shadow', text: 'shadow', color: 'purple' },
  { state: 'disabled', text: 'disabled', color: 'blue' },
  { state: 'half_open', text: 'half-open', color: 'yellow' },
  { state: 'open', text: 'open', color: 'red' },
  { state: 'forced_open', text: 'forced open', color: 'dark-red' },
] as const;

/** The states as values of a panel: by their word, or by the weight that stands for them in a number. */
export function stateTexts(by: 'word' | 'weight'): ValueText[] {
  return STATES.map(({ state, text, color }) => ({
    value: by === 'word' ? state : String(STATE_WEIGHTS[state]),
    text,
    color,
  }));
}
