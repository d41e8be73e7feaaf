import { SETTINGS_LIMITS, type SettingLimit } from '@switchgear/conventions';
import { z } from 'zod';

const { trip, cooldownMs, cooldownBackoff, halfOpen, timeoutMs, maxConcurrent } = SETTINGS_LIMITS;
const growth = settingsOf(cooldownBackoff);

/** Any of the settings, and nothing else, as `openapi.json` describes it. */
export const settingsPatchShape = z.strictObject({
  trip: z.strictObject(settingsOf(trip)).partial().optional(),
  cooldownMs: cooldownOf(z.strictObject(growth).partial().required({ baseMs: true })).optional(),
  halfOpen: z.strictObject(settingsOf(halfOpen)).partial().optional(),
  timeoutMs: settingOf(timeoutMs).optional(),
  maxConcurrent: settingOf(maxConcurrent).optional(),
});

/** All settings, as they are in effect on an instance. */
export const settings = z.object({
  trip: z.object(settingsOf(trip)),
  cooldownMs: cooldownOf(z.object(growth)),
  halfOpen: z.object(settingsOf(halfOpen)),
  timeoutMs: settingOf(timeoutMs),
  maxConcurrent: settingOf(maxConcurrent),
});

type NumberLimit = Extract<SettingLimit, { min: number }>;

type SettingSchema<Limit extends SettingLimit> = Limit extends { readonly kind: 'boolean' }
  ? z.ZodBoolean
  : Limit extends { readonly kind: 'risingRatios' }
    ? z.ZodArray<z.ZodNumber>
    : Limit extends { readonly nullable: true }
      ? z.ZodNullable<z.ZodNumber>
      : z.ZodNumber;

function settingsOf<Limits extends Readonly<Record<string, SettingLimit>>>(limits: Limits) {
  const entries = Object.entries(limits).map(([key, limit]) => [key, settingOf(limit)]);
  return Object.fromEntries(entries) as { [Key in keyof Limits]: SettingSchema<Limits[Key]> };
}

function settingOf<Limit extends SettingLimit>(limit: Limit) {
  return schemaOf(limit) as unknown as SettingSchema<Limit>;
}

function schemaOf(limit: SettingLimit): z.ZodType {
  switch (limit.kind) {
    case 'boolean':
      return z.boolean();
    case 'risingRatios':
      return z
        .array(z.number().gt(0).lt(1))
        .max(limit.most)
        .refine((list) => list.every((share, index) => index === 0 || share > list[index - 1]!))
        .describe('Each is above the one before.');
    default:
      return limit.nullable ? rangeOf(limit).nullable() : rangeOf(limit);
  }
}

function rangeOf({ kind, min, max }: NumberLimit): z.ZodNumber {
  if (kind === 'integer') return z.int().min(min).max(max);
  return (kind === 'ratio' ? z.number().gt(min) : z.number().min(min)).max(max);
}

function cooldownOf<Growing extends z.ZodType>(growing: Growing) {
  return z.union([settingOf(cooldownMs), growing]).describe('Fixed, in milliseconds; or how it grows.');
}
