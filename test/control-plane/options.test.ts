import { describe, expect, test } from 'vitest';
import { readOptions } from '../../src/control-plane/options.ts';

describe('the environment', () => {
  test('without anything in it the defaults hold', () => {
    expect(readOptions({})).toMatchObject({
      host: '127.0.0.1',
      port: 4390,
      store: { kind: 'sqlite', file: expect.stringMatching(/\/data\/switchgear\.db$/) },
      tokens: {},
      staleAfterMs: 90_000,
      goneAfterMs: 600_000,
      retention: { maxCount: 100_000, maxAgeMs: 30 * 86_400_000 },
      logLevel: 'info',
    });
  });

  test('an empty variable counts as absent', () => {
    expect(readOptions({ SWITCHGEAR_PORT: '', SWITCHGEAR_TOKEN: ' ' })).toMatchObject({ port: 4390, tokens: {} });
  });

  test('retention is a count and an age in days or hours', () => {
    expect(readOptions({ SWITCHGEAR_EVENT_RETENTION: '500,12h' }).retention).toEqual({
      maxCount: 500,
      maxAgeMs: 43_200_000,
    });
  });

  test.each([
    ['SWITCHGEAR_PORT', '4390x'],
    ['SWITCHGEAR_PORT', '-1'],
    ['SWITCHGEAR_HOST', 'not a host'],
    ['SWITCHGEAR_STALE_AFTER_MS', '0'],
    ['SWITCHGEAR_GONE_AFTER_MS', '90000'],
    ['SWITCHGEAR_EVENT_RETENTION', '0,30d'],
    ['SWITCHGEAR_EVENT_RETENTION', '100'],
    ['SWITCHGEAR_STORE', 'data.db'],
    ['SWITCHGEAR_VIEWER_TOKEN', 'x'.repeat(513)],
    ['SWITCHGEAR_AGENT_TOKEN', 'has a space in the middle'],
  ])('%s=%s is refused by name', (variable, value) => {
    expect(() => readOptions({ [variable]: value })).toThrow(new RegExp(`^${variable} must .*, got `));
  });

  test('two roles with one token are refused, without showing it', () => {
    const token = 'one-token-for-everything';
    const read = () => readOptions({ SWITCHGEAR_TOKEN: token, SWITCHGEAR_VIEWER_TOKEN: token });
    expect(read).toThrow('SWITCHGEAR_VIEWER_TOKEN must differ from SWITCHGEAR_TOKEN');
    expect(read).not.toThrow(token);
  });
});
