import {
  ACTION_KINDS,
  checkDesiredState,
  checkSettingsPatch,
  DESIRED_STATE_SCHEMA,
  EMPTY_DESIRED_STATE,
  InvalidInputError,
  OVERRIDE_MODES,
  parseDesiredState,
} from '@switchgear/conventions';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../property/runs.ts';

const override = { mode: 'forced_open', reason: 'why', actor: 'ada', expiresAt: '2026-01-31T12:00:00Z' };
const action = { kind: 'trip', generation: 1, reason: 'why', actor: 'ada' };

function documentWith(entry: Record<string, unknown>, name = 'payments') {
  return { schema: DESIRED_STATE_SCHEMA, revision: 1, breakers: { [name]: { revision: 1, ...entry } } };
}

const at = (field: string) => `breakers.payments.${field}`;

describe('a desired-state document', () => {
  test('that keeps every rule is read as it stands', () => {
    const config = { trip: { failureRatio: null, failures: 3 }, timeoutMs: null };
    const document = documentWith({ override, action, config });
    expect(parseDesiredState(JSON.stringify(document))).toEqual({ desired: document, refused: [] });
    expect(checkDesiredState(EMPTY_DESIRED_STATE)).toEqual([]);
  });

  test.each([
    [at('revision'), { revision: -1 }, 'must be an integer from 0 to 9007199254740991', -1],
    [at('override'), { override: 'open' }, 'must be an object', 'open'],
    [
      at('override.mode'),
      { override: { ...override, mode: 'auto' } },
      'must be one of forced_open, disabled, shadow',
      'auto',
    ],
    [at('override.reason'), { override: { ...override, reason: '' } }, 'must be a string of 1 to 500 characters', ''],
    [at('override.actor'), { override: { ...override, actor: null } }, 'must be a string of 1 to 200 characters', null],
    [
      at('override.expiresAt'),
      { override: { ...override, expiresAt: '2026-01-31' } },
      'must be an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z',
      '2026-01-31',
    ],
    [at('action.kind'), { action: { ...action, kind: 'open' } }, 'must be one of trip, reset', 'open'],
    [
      at('action.generation'),
      { action: { ...action, generation: 0 } },
      'must be an integer from 1 to 9007199254740991',
      0,
    ],
    [at('config.trip.failureRatio'), { config: { trip: { failureRatio: 2 } } }, 'must be in (0, 1]', 2],
    [at('config.cooldownMs'), { config: { cooldownMs: null } }, 'must be an integer from 1 to 86400000', null],
    [at('config.halfOpen.probes'), { config: { halfOpen: { probes: 0 } } }, 'must be an integer from 1 to 1000', 0],
    [
      at('config.isFailure'),
      { config: { isFailure: 'x' } },
      'is unknown; known here: trip, cooldownMs, halfOpen, timeoutMs, maxConcurrent',
      'x',
    ],
    [at('overide'), { overide: 1 }, 'is unknown; known here: revision, override, action, config', 1],
  ])('%s that breaks its rule is named with rule and value', (field, entry, rule, value) => {
    const problems = checkDesiredState(documentWith(entry));
    expect(problems).toEqual([{ field, rule, value }]);
    const { desired, refused } = parseDesiredState(JSON.stringify(documentWith(entry)));
    // Settings are checked by the breaker that takes them up.
    if (field.includes('.config')) expect(refused).toEqual([]);
    else expect(refused.map(({ error }) => error.problems)).toEqual([problems]);
    expect(Object.keys(desired.breakers)).toHaveLength(1 - refused.length);
  });

  test.each([
    ['schema', { ...EMPTY_DESIRED_STATE, schema: 'v2' }],
    ['revision', { ...EMPTY_DESIRED_STATE, revision: 1.5 }],
    ['breakers', { ...EMPTY_DESIRED_STATE, breakers: [] }],
    ['breakers. x', { ...EMPTY_DESIRED_STATE, breakers: { ' x': { revision: 1 } } }],
    ['extra', { ...EMPTY_DESIRED_STATE, extra: 1 }],
    ['', null],
    ['', []],
    ['', 'text'],
  ])('names %s', (field, document) => {
    expect(checkDesiredState(document).map((problem) => problem.field)).toEqual([field]);
  });

  test('names every field it lacks', () => {
    expect(checkDesiredState({}).map(({ field }) => field)).toEqual(['schema', 'revision', 'breakers']);
  });

  test('that is no JSON is refused, its text cut short in the message', () => {
    const error = (() => {
      try {
        return parseDesiredState(`{${'x'.repeat(5_000)}`);
      } catch (thrown) {
        return thrown as InvalidInputError;
      }
    })();
    expect(error).toBeInstanceOf(InvalidInputError);
    expect((error as InvalidInputError).problems[0]?.field).toBe('body');
    expect((error as InvalidInputError).message.length).toBeLessThan(500);
  });

  test.each(['__proto__', 'constructor', 'hasOwnProperty'])('a breaker named %s is checked like any other', (name) => {
    const text = (entry: object) =>
      `{"schema":"${DESIRED_STATE_SCHEMA}","revision":1,"breakers":{"${name}":${JSON.stringify(entry)}}}`;
    const read = parseDesiredState(text({ revision: 1 }));
    expect(Object.keys(read.desired.breakers)).toEqual([name]);
    const { desired, refused } = parseDesiredState(text({ revision: 'x' }));
    expect(Object.keys(desired.breakers)).toEqual([]);
    expect(refused).toMatchObject([{ name, revision: 0 }]);
    expect(refused[0]?.error.message).toMatch(`\`breakers.${name}.revision\` must be an integer`);
    expect(({} as Record<string, unknown>).revision).toBeUndefined();
  });

  test('a setting named like what every object has is unknown', () => {
    for (const key of ['constructor', 'toString', '__proto__']) {
      const patch = JSON.parse(`{"${key}":{"cooldownMs":5}}`) as unknown;
      expect(checkSettingsPatch(patch).map(({ field, rule }) => [field, rule.slice(0, 10)])).toEqual([
        [key, 'is unknown'],
      ]);
    }
  });

  test('every document that keeps the rules comes back from its JSON as it was', () => {
    const words = fc.string({ minLength: 1, maxLength: 200 });
    const instant = fc
      .date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
    const ms = fc.integer({ min: 1, max: 86_400_000 });
    const entry = fc.record(
      {
        revision: fc.maxSafeNat(),
        override: fc.record({
          mode: fc.constantFrom(...OVERRIDE_MODES),
          reason: words,
          actor: words,
          expiresAt: instant,
        }),
        action: fc.record({
          kind: fc.constantFrom(...ACTION_KINDS),
          generation: fc.maxSafeInteger().map((value) => Math.max(1, Math.abs(value))),
          reason: words,
          actor: words,
        }),
        config: fc.record(
          {
            trip: fc.record(
              { slowRatio: fc.option(fc.constantFrom(0.1, 1)), slowMs: ms, countOverdue: fc.boolean() },
              { requiredKeys: [] },
            ),
            cooldownMs: fc.oneof(ms, fc.record({ baseMs: ms, factor: fc.integer({ min: 1, max: 100 }) })),
            timeoutMs: fc.option(ms),
            halfOpen: fc.record({
              probes: fc.integer({ min: 1, max: 1_000 }),
              ramp: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 10 }).map(sharesOf),
            }),
            maxConcurrent: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['revision'] },
    );
    const name = fc.oneof(fc.constantFrom('__proto__', 'constructor'), fc.stringMatching(/^[a-z][a-z-]{0,20}$/));
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(fc.tuple(name, entry), { maxLength: 5 }), (revision, entries) => {
        const document = { schema: DESIRED_STATE_SCHEMA, revision, breakers: Object.fromEntries(entries) };
        const text = JSON.stringify(document);
        expect(JSON.stringify(parseDesiredState(text).desired)).toBe(text);
      }),
      { numRuns: runs(500) },
    );
  });

  test('no JSON value makes the check throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(Array.isArray(checkDesiredState(value))).toBe(true);
        expect(Array.isArray(checkDesiredState(documentWith({ config: value, override: value })))).toBe(true);
      }),
      { numRuns: runs(500) },
    );
  });
});

/** Per cent as rising shares. */
function sharesOf(percents: readonly number[]): number[] {
  return percents.toSorted((a, b) => a - b).map((percent) => percent / 100);
}
