export {
  type BreakerSettings,
  type BreakerState,
  type CallOutcome,
  InvalidInputError,
  type Override,
  presets,
  type SettingsPatch,
  type TransitionReason,
} from '@switchgear/conventions';
export type { Breaker } from './breaker.ts';
export type { OperatorNote, ProtectOptions } from './breaker-face.ts';
export type { CallContext } from './calls/call-context.ts';
export type { CallFailure, ExecuteOptions } from './calls/call-path.ts';
export type { CallPermit } from './calls/permits.ts';
export type { Clock, Timer } from './clock.ts';
export type { CloseOptions } from './close-options.ts';
export { type ControlLink, type ControlPlaneOptions, connectControlPlane } from './control/link.ts';
export type { ServiceIdentity } from './control/messages.ts';
export { createBreaker } from './create-breaker.ts';
export {
  BreakerClosedDownError,
  BreakerLimitError,
  BreakerOpenError,
  CallTimeoutError,
  WireRefusedError,
  WireTimeoutError,
} from './errors.ts';
export type { BreakerReport, ForeignBreaker, ForeignFailure, ForeignWire } from './foreign/foreign-breaker.ts';
export type { ReportOptions } from './foreign/foreign-options.ts';
export { reportBreaker } from './foreign/report-breaker.ts';
export type { ReportedBreaker } from './foreign/reported-breaker.ts';
export { type KeyedBreakers, keyedBreakers } from './keyed/keyed-breakers.ts';
export type { KeyedBreakersOptions } from './keyed/keyed-options.ts';
export type { AnswerOf } from './neutral/answer-of.ts';
export { type BackupCall, type BreakerWireOptions, breakerWire } from './neutral/breaker-wire.ts';
export type { BufferWireOptions, OverflowPolicy } from './neutral/buffer-options.ts';
export { type BufferWire, bufferWire } from './neutral/buffer-wire.ts';
export { type CacheWireOptions, cacheWire } from './neutral/cache-wire.ts';
export { type CachedAnswer, isCached } from './neutral/cached-answer.ts';
export type { DeadCall } from './neutral/dead-call.ts';
export { type FallbackWireOptions, fallbackWire } from './neutral/fallback-wire.ts';
export { isReceipt, type Receipt, ReplayFailedError } from './neutral/receipt.ts';
export { type MemorySpoolOptions, memorySpool } from './neutral/spool/memory-spool.ts';
export {
  type DeadLetter,
  type Spool,
  type SpoolEnd,
  SpoolError,
  type SpooledCall,
  type SpoolLoad,
  type SpoolOpening,
  type SpoolTotals,
} from './neutral/spool/spool.ts';
export { type SqliteSpoolOptions, sqliteSpool } from './neutral/spool/sqlite-spool.ts';
export type { DivertedCall, GoodCall, NeutralWire, WireAnswer, WireHost, WireLoad } from './neutral/wire.ts';
export type { BreakerDefinition, BreakerOptions, EndedCall, OwnMode } from './options.ts';
export type { Transition, TurnedAwayCall } from './publisher.ts';
export {
  allBreakers,
  allKeyedBreakers,
  allReportedBreakers,
  findBreaker,
  onBreakerAdded,
  onBreakerRemoved,
} from './registry.ts';
export type { BreakerSnapshot } from './snapshot.ts';
export type { BreakerStats, WireStats } from './stats.ts';
export type { MetricProducer } from './telemetry/metric-data.ts';
export { type BreakerMetricProducer, breakerMetricProducer } from './telemetry/metric-producer.ts';
export type { BreakerObserver, BreakerReadings, TransitionRecord } from './telemetry/observer.ts';
export { type AttachedBreaker, type AttachOptions, attachBreaker } from './threads/attach-breaker.ts';
export type { BreakerHandle } from './threads/breaker-handle.ts';
