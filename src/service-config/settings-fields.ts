import { SETTINGS_CHECKS, SETTINGS_LIMITS, type SettingLimit } from '@switchgear/conventions';
import { type Fields, type JsonSchema, object, type Shape, settingSchema } from './shape.ts';

/** What an editor says of each setting; src/conventions/settings.ts has the whole of it. */
const MEANINGS = {
  trip: {
    failureRatio: 'Failed calls as a share of the calls in the window at which it trips; null turns the rule off.',
    minimumCalls: 'Calls that the window must hold before a ratio is judged.',
    failures: 'Failed calls in the window at which it trips.',
    consecutive: 'Failed calls in a row at which it trips.',
    slowRatio: 'Slow calls as a share of the calls in the window at which it trips; null turns the rule off.',
    slowMs: 'Milliseconds beyond which a call is slow.',
    countOverdue: 'Count a call as slow as soon as it is, and not only when it ends.',
    windowMs: 'Length of the sliding window in milliseconds.',
    windowCalls: 'Make the window one of the last so many calls instead.',
    debounceMs: 'Milliseconds after a failure in which further ones are not judged.',
  },
  cooldownBackoff: {
    baseMs: 'The first cooldown in milliseconds.',
    maxMs: 'The longest, in milliseconds; default ten times baseMs.',
    factor: 'What each further one is multiplied by; default 2.',
    jitter: 'The share of it that is left to chance; default 1.',
  },
  halfOpen: {
    probes: 'Good probes needed before traffic returns.',
    probeTimeoutMs: 'Milliseconds after which a probe without an answer has failed.',
    ramp: 'Shares of calls let through in steps after good probes, each above the one before; empty: all at once.',
    rampStepMs: 'Least milliseconds of a step of the ramp.',
  },
} as const;

const { trip, cooldownMs, cooldownBackoff, halfOpen, timeoutMs, maxConcurrent } = SETTINGS_LIMITS;

const growth = fieldsOf(cooldownBackoff, MEANINGS.cooldownBackoff);
const { baseMs, ...growthOptions } = growth;

/** The settings of a breaker, by the limits and the checks that every way into a breaker has. */
export const SETTINGS_FIELDS: Fields = {
  trip: [
    checkedBy('trip', object({}, fieldsOf(trip, MEANINGS.trip)).schema),
    'When it trips; the first rule that is met.',
  ],
  cooldownMs: [
    checkedBy('cooldownMs', { anyOf: [settingSchema(cooldownMs), object({ baseMs: baseMs! }, growthOptions).schema] }),
    'Milliseconds it stays open before it lets probes through; or how they grow.',
  ],
  halfOpen: [
    checkedBy('halfOpen', object({}, fieldsOf(halfOpen, MEANINGS.halfOpen)).schema),
    'How it finds out that the dependency is well again.',
  ],
  timeoutMs: [
    checkedBy('timeoutMs', settingSchema(timeoutMs)),
    'Milliseconds after which a call is aborted and has failed; null waits for ever.',
  ],
  maxConcurrent: [checkedBy('maxConcurrent', settingSchema(maxConcurrent)), 'Most calls in flight; null: no limit.'],
};

/** The check is the breaker's own; only the schema is made here. */
function checkedBy(name: keyof typeof SETTINGS_CHECKS, schema: JsonSchema): Shape {
  return { check: SETTINGS_CHECKS[name], schema };
}

function fieldsOf<Limits extends Readonly<Record<string, SettingLimit>>>(
  limits: Limits,
  meanings: Readonly<Record<keyof Limits & string, string>>,
): Fields {
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [
      name,
      [{ check: () => [], schema: settingSchema(limit) }, meanings[name]!],
    ]),
  );
}
