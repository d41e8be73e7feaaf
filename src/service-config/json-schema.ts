import { CONFIG_SHAPE } from './config-shape.ts';
import type { JsonSchema } from './shape.ts';

/** Where the schema is published; editors find it by this address at the head of a file. */
export const SCHEMA_ID = 'https://switchgear.dev/schemas/switchgear.schema.json';

/** `switchgear.yaml` as JSON Schema, draft 2020-12, for editors: it completes and underlines, `readConfig` decides. */
export function jsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: SCHEMA_ID,
    title: 'switchgear.yaml',
    description: 'Breakers, rules and telemetry of one service, read by @switchgear/register.',
    ...CONFIG_SHAPE.schema,
  };
}
