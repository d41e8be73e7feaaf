export { guardSettings } from './guard-settings.ts';
export { jsonSchema, SCHEMA_ID } from './json-schema.ts';
export { type ConfigProblem, type ConfigReading, readConfig } from './read-config.ts';
export {
  type AnswerWireConfig,
  type BreakerConfig,
  type BufferWireConfig,
  type CacheWireConfig,
  type FileMode,
  type GuardConfig,
  type MatchConfig,
  NO_BREAKER,
  type OriginWireConfig,
  type OutcomeCodes,
  type OutcomesConfig,
  type RuleConfig,
  type ServiceConfig,
  type TelemetryConfig,
  type UnmatchedConfig,
  type WireConfig,
} from './service-config.ts';
