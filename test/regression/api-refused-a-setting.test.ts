import { applySettings, checkSettingsPatch, DEFAULT_SETTINGS, type SettingsPatch } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { configBody } from '../../src/control-plane/api/schemas.ts';

test('the API takes every setting a breaker has', () => {
  const patch: SettingsPatch = DEFAULT_SETTINGS;
  expect(checkSettingsPatch(patch)).toEqual([]);
  expect(configBody.parse(patch)).toEqual(DEFAULT_SETTINGS);
  expect(applySettings(DEFAULT_SETTINGS, configBody.parse({ trip: { slowMs: 100 } })).trip.slowMs).toBe(100);
});
