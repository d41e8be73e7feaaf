import {
  applySettings,
  BREAKER_MODES,
  type BreakerSettings,
  DEFAULT_SETTINGS,
  InvalidInputError,
  SETTINGS_LIMITS,
  type SettingLimit,
} from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import * as library from '../../src/breaker/index.ts';
import { bufferWire, createBreaker, presets } from '../../src/breaker/index.ts';
import { initialState, type MachineEvent, type MachineState, MOST_LEASES } from '../../src/breaker/machine/state.ts';
import { POSSIBLE_TRANSITIONS, transition } from '../../src/breaker/machine/transition.ts';
import { SHARED_RECORDS } from '../../src/breaker/memory/layout.ts';
import { OPTION_CHECKS } from '../../src/breaker/options.ts';
import { documentText, tableOf } from '../support/repository/tables.ts';

describe('the reference of the settings', () => {
  const rows = tableOf('docs/breaker.md', 'Settings', 0);
  const cooldownRows = tableOf('docs/breaker.md', 'Settings', 1);

  test('it has every setting with its default and its range', () => {
    expect(rows.map(({ setting, default: value, range }) => [setting, value, range])).toEqual(
      Object.entries(settingsByPath(DEFAULT_SETTINGS)).map(([path, value]) => [
        `\`${path}\``,
        `\`${inCode(value)}\``,
        path === 'cooldownMs' ? rangeOf(SETTINGS_LIMITS.cooldownMs) : rangeOf(limitOf(path)),
      ]),
    );
  });

  test('it has every setting of a growing cooldown with its default and its range', () => {
    const filled = applySettings(DEFAULT_SETTINGS, { cooldownMs: { baseMs: 1_000 } }).cooldownMs;
    const longest = applySettings(DEFAULT_SETTINGS, { cooldownMs: { baseMs: 86_400_000 } }).cooldownMs;
    expect(filled).toMatchObject({ maxMs: 10_000 });
    expect(longest).toMatchObject({ maxMs: 86_400_000 });
    const { factor, jitter } = filled as Exclude<typeof filled, number>;
    expect(cooldownRows.map(({ setting, default: value, range }) => [setting, value, range])).toEqual([
      ['`cooldownMs.baseMs`', 'none', rangeOf(SETTINGS_LIMITS.cooldownBackoff.baseMs)],
      ['`cooldownMs.maxMs`', '10 × `baseMs`, at most a day', rangeOf(SETTINGS_LIMITS.cooldownBackoff.maxMs)],
      ['`cooldownMs.factor`', `\`${factor}\``, rangeOf(SETTINGS_LIMITS.cooldownBackoff.factor)],
      ['`cooldownMs.jitter`', `\`${jitter}\``, rangeOf(SETTINGS_LIMITS.cooldownBackoff.jitter)],
    ]);
  });

  test('the table of the presets has every number of them', () => {
    const table = tableOf('docs/breaker.md', 'Presets');
    for (const [name, preset] of Object.entries(presets)) {
      const shown = table.map((row) => [row.setting, row[`\`${name}\``]]).filter(([, value]) => value !== '');
      const set = Object.entries(settingsByPath(preset)).map(([path, value]) => [
        `\`${path}\``,
        `\`${inCode(value)}\``,
      ]);
      expect(shown.sort(), name).toEqual(set.sort());
    }
  });
});

describe('the reference of the breaker', () => {
  test('it has every option', () => {
    const options = Object.keys(OPTION_CHECKS).filter((name) => !(name in DEFAULT_SETTINGS));
    const shown = tableOf('docs/breaker.md', 'Options').map(({ option }) => option!.replaceAll('`', ''));
    expect(shown.sort()).toEqual(options.sort());
  });

  test('it has every method and every property', () => {
    const text = tableOf('docs/breaker.md', 'Methods')
      .map(({ method }) => method)
      .join(' ');
    const methods = [...text.matchAll(/`(\w+)/g)].map(([, name]) => name!);
    const breaker = createBreaker('reference', { telemetry: 'off' });
    const hidden = ['constructor', 'act', 'wallMs', 'refresh'];
    const found = new Set([...namesOf(breaker)].filter((name) => !hidden.includes(name)));
    const isMethod = (name: string) => typeof (breaker as unknown as Record<string, unknown>)[name] === 'function';
    expect([...new Set(methods)].sort()).toEqual([...found].filter(isMethod).sort());
    return breaker.close();
  });

  test('it has every error with its code', () => {
    const rows = tableOf('docs/breaker.md', 'Errors');
    const made = [
      new library.BreakerOpenError('b', 1),
      new library.BreakerLimitError('b', 1),
      new library.CallTimeoutError('b', 1),
      new library.BreakerClosedDownError('b'),
      new library.WireRefusedError('w', 'full'),
      new library.WireTimeoutError('w', 1),
      new library.ReplayFailedError('r', 'dead'),
      new library.SpoolError('SPOOL_FAILED', 'm'),
      new InvalidInputError([{ field: 'f', rule: 'must be', value: 1 }]),
    ];
    expect(rows.map((row) => [row.class, row['`code`']])).toEqual(
      made.map((error) => [`\`${error.name}\``, `\`${error.code}\``]),
    );
    for (const [index, error] of made.entries()) {
      for (const [, field] of rows[index]!.fields!.matchAll(/`(\w+)`/g))
        expect(error, error.name).toHaveProperty(field!);
    }
    const exported = Object.keys(library).filter((name) => name.endsWith('Error'));
    expect(exported.sort()).toEqual(made.map(({ name }) => name).sort());
  });

  test('it names everything that the package exports', () => {
    const text = documentText('docs/breaker.md');
    const missing = Object.keys(library).filter((name) => !text.includes(`\`${name}`));
    expect(missing).toEqual([]);
  });
});

describe('the diagram of the states', () => {
  const shown = [...documentText('docs/states.md').matchAll(/^ {2}(\w+) --> (\w+): (.+)$/gm)].flatMap(
    ([, from, to, reasons]) => reasons!.split(', ').map((reason) => `${from} to ${to}: ${reason}`),
  );

  test('it has each transition that the machine makes, and no other', () => {
    expect(shown.sort()).toEqual([...transitionsMade()].sort());
  });

  test('each transition of it has a counter, and each counter is of one of them', () => {
    const entered = new Set(shown.map((edge) => edge.replace(/^\w+ to /, '')));
    expect([...entered].sort()).toEqual(POSSIBLE_TRANSITIONS.map(([to, reason]) => `${to}: ${reason}`).sort());
  });

  test('each reason of it is explained', () => {
    const explained = tableOf('docs/states.md', 'States', 1).map(({ reason }) => reason!.replaceAll('`', ''));
    expect(explained.sort()).toEqual([...new Set(shown.map((edge) => edge.split(': ')[1]))].sort());
  });
});

describe('the page of threads', () => {
  const limits = documentText('docs/threads.md').split('## Limits')[1]!;

  test('a shared breaker takes the memory that it says', async () => {
    const breaker = createBreaker('shared', { telemetry: 'off' });
    const { numbers, settings } = breaker.share();
    const kib = Math.round((numbers.byteLength + settings.byteLength) / 1_024);
    expect(limits).toContain(`about ${kib} KiB`);
    await breaker.close();
  });

  test('it has as many records and probes as it says', () => {
    expect(limits).toContain(`**${SHARED_RECORDS} records`);
    expect(limits).toContain(`**${MOST_LEASES} probes**`);
  });
});

describe('the reference of the buffer wire', () => {
  test('each range is the one that is checked', () => {
    const ranges = tableOf('docs/wires.md', 'Buffer wire')
      .map(({ option, range }) => [option!.replaceAll('`', ''), /^([\d,]+) to ([\d,]+)$/.exec(range!)] as const)
      .filter(([, range]) => range !== null)
      .map(([option, range]) => [option, ...range!.slice(1, 3).map((end) => Number(end.replaceAll(',', '')))] as const);
    expect(ranges.length).toBe(6);
    for (const [option, least, most] of ranges) {
      for (const good of [least, most]) expect(() => bufferWire({ [option!]: good })).not.toThrow();
      for (const bad of [Number(least) - 1, Number(most) + 1]) {
        expect(() => bufferWire({ [option!]: bad }), `${option} ${bad}`).toThrow(InvalidInputError);
      }
    }
  });
});

/** What the machine makes of every event in every state, with the rules set so that one failure or slow call is enough. */
function transitionsMade(): Set<string> {
  const made = new Set<string>();
  const rules = [
    { failures: 1 },
    { failureRatio: null, consecutive: 1 },
    { failureRatio: null, slowRatio: 0.1, minimumCalls: 1 },
  ];
  for (const trip of rules) {
    for (const ramp of [[], [0.5]]) {
      const settings = applySettings(DEFAULT_SETTINGS, { trip, halfOpen: { probes: 1, ramp } });
      const seen = new Set<string>();
      const states: MachineState[] = [initialState(0)];
      for (let state = states.pop(); state; state = states.pop()) {
        const { kind } = state;
        const shape = `${kind} ${kind === 'half_open' ? `${state.step} ${state.leases.length}` : ''}`;
        if (seen.has(shape)) continue;
        seen.add(shape);
        for (const event of eventsIn(state)) {
          const now = Math.max(state.since, kind === 'open' ? state.until : 0) + 20_000;
          const early = { now: kind === 'half_open' ? state.stepSince : now, settings, chance: 0 };
          for (const at of [early, { ...early, now }]) {
            const decision = transition(state, event, at);
            states.push(decision.state);
            for (const effect of decision.effects) {
              if (effect.type === 'transition') made.add(`${effect.from.kind} to ${effect.to.kind}: ${effect.reason}`);
            }
          }
        }
      }
    }
  }
  return made;
}

function eventsIn(state: MachineState): MachineEvent[] {
  const lease = state.kind === 'half_open' ? (state.leases[0]?.id ?? null) : null;
  const permit = { generation: state.generation, lease };
  const settled = (failed: boolean, slow: boolean): MachineEvent => ({
    type: 'settled',
    permit,
    failed,
    slow,
    overdueStep: undefined,
    counts: { executed: 1, failed: failed ? 1 : 0, slow: slow ? 1 : 0, consecutive: failed ? 1 : 0 },
  });
  const byOperators = (['operator', 'desired_state'] as const).flatMap((reason): MachineEvent[] => [
    { type: 'trip', reason },
    { type: 'reset', reason },
    ...BREAKER_MODES.map((mode) => ({ type: 'mode', mode, reason }) as const),
  ]);
  const overdue = { executed: 1, failed: 0, slow: 1, consecutive: 0 };
  return [
    { type: 'call' },
    { type: 'tick' },
    settled(false, false),
    settled(true, false),
    settled(false, true),
    { type: 'overdue', permit, counts: overdue },
    { type: 'released', permit },
    ...byOperators,
  ];
}

/** Settings by their path, such as `trip.failureRatio`. */
function settingsByPath(settings: object, prefix = ''): Record<string, unknown> {
  const entries = Object.entries(settings).flatMap(([key, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(settingsByPath(value, `${prefix}${key}.`))
      : [[`${prefix}${key}`, value]],
  );
  return Object.fromEntries(entries);
}

function limitOf(path: string): SettingLimit {
  const [group, key] = path.split('.');
  const limits = SETTINGS_LIMITS[group as keyof BreakerSettings];
  return (key === undefined ? limits : (limits as Record<string, SettingLimit>)[key]) as SettingLimit;
}

function rangeOf(limit: SettingLimit): string {
  switch (limit.kind) {
    case 'boolean':
      return 'true or false';
    case 'risingRatios':
      return `at most ${limit.most} rising numbers in (0, 1)`;
    default: {
      const { kind, min, max } = limit;
      const range = kind === 'ratio' ? `(${min}, ${max}]` : `${withCommas(min)} to ${withCommas(max)}`;
      return limit.nullable ? `${range}, or \`null\`` : range;
    }
  }
}

function withCommas(value: number): string {
  return value.toLocaleString('en-US');
}

/** A value as it is written in code. */
function inCode(value: unknown): string {
  if (typeof value === 'number' && value >= 1_000) return withCommas(value).replaceAll(',', '_');
  return JSON.stringify(value).replaceAll(',', ', ');
}

function namesOf(value: object): Set<string> {
  const names = new Set<string>();
  for (let at = value; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    if (at === value) continue;
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return names;
}
