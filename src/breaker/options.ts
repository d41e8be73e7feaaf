import {
  applySettings,
  type BreakerMode,
  type BreakerSettings,
  breakerName,
  type Check,
  checkSettingsRules,
  DEFAULT_SETTINGS,
  InvalidInputError,
  integer,
  isRecord,
  nullable,
  object,
  oneOf,
  type Problem,
  SETTINGS_CHECKS,
  type SettingsPatch,
} from '@switchgear/conventions';
import { type Clock, systemClock } from './clock.ts';
import type { NeutralWire } from './neutral/wire.ts';
import { type BreakerObserver, CALL_SPANS, type CallSpans } from './telemetry/observer.ts';

/** The modes that a breaker can have of its own, without an end: not forced open, which somebody has to answer for. */
export const OWN_MODES = ['auto', 'shadow', 'disabled'] as const satisfies readonly BreakerMode[];
export type OwnMode = (typeof OWN_MODES)[number];

/** What a breaker is by itself, under what the control plane lays over it. `redefine` changes it while it runs. */
export interface BreakerDefinition extends SettingsPatch {
  /**
   * What it does where no override holds it: `auto` decides; `shadow` counts, and reports the trips it would make;
   * `disabled` lets all through and judges nothing. Default `auto`.
   */
  readonly mode?: OwnMode | undefined;
}

/** What a call ended with: a result, or an error where it failed by that. */
export interface EndedCall {
  readonly result: unknown;
  readonly error: unknown;
}

export interface BreakerOptions<Wires extends readonly NeutralWire[] = readonly NeutralWire[]>
  extends BreakerDefinition {
  /**
   * Which errors say that the dependency is unwell; others are `ignored`. Default: all of them.
   * An error it throws itself counts as a failure.
   */
  readonly isFailure?: (error: unknown) => boolean;
  /**
   * Which results say that the dependency is unwell, such as a response of status 503: they count as failures, and the
   * caller gets them all the same. Default: none. An error it throws itself counts as a failure.
   */
  readonly isFailureResult?: (result: unknown) => boolean;
  /**
   * Which calls count as slow, whatever time they took: an HTTP answer of 504 or 429, gRPC's `DEADLINE_EXCEEDED`. Asked of
   * each call that is judged, whether it went well or not. Default: none. Where it throws, the call does not count as slow.
   */
  readonly isSlow?: (ended: EndedCall) => boolean;
  /** Where calls go that are not let through, in the order asked. Default: nowhere, the caller gets `BreakerOpenError`. */
  readonly neutralWires?: Wires;
  /** `first`: the first wire that takes the call; `all`: every wire gets it and the first answer counts. Default `first`. */
  readonly wireMode?: 'first' | 'all';
  /**
   * Milliseconds that each wire has for an answer that comes later, 1 to 86,400,000, or `null` for as long as it takes; default
   * 5,000. Then it is passed over and counted as failed. Wires that hold calls are waited for in any case.
   */
  readonly wireTimeoutMs?: number | null;
  /** `otel` (default) reports through `@opentelemetry/api`; `off` reports nothing; or an observer of your own. */
  readonly telemetry?: 'otel' | 'off' | BreakerObserver;
  /**
   * Which executed calls have a span `breaker.call`: `failures` (default) those that failed or timed out, so that a good call
   * costs nothing; `all`; or `off`. Trips, resets and neutral wires have their spans in any case.
   */
  readonly callSpans?: CallSpans;
  /** For tests: see `ManualClock` in `@switchgear/breaker/testing`. */
  readonly clock?: Clock;
}

/** A definition with all that it left out. */
export interface ValidDefinition {
  readonly settings: BreakerSettings;
  readonly mode: OwnMode;
}

export interface ValidOptions extends ValidDefinition {
  readonly isFailure: (error: unknown) => boolean;
  readonly isFailureResult: ((result: unknown) => boolean) | undefined;
  readonly isSlow: ((ended: EndedCall) => boolean) | undefined;
  readonly wires: readonly NeutralWire[];
  readonly wireMode: 'first' | 'all';
  readonly wireTimeoutMs: number | null;
  readonly callSpans: CallSpans;
  readonly clock: Clock;
}

const CLOCK_METHODS: readonly (keyof Clock)[] = ['monotonicMs', 'wallMs', 'timer'];
const OBSERVER_METHODS: readonly (keyof BreakerObserver)[] = [
  'added',
  'removed',
  'timed',
  'failed',
  'rejected',
  'transitioned',
  'overridden',
  'diverted',
  'replayed',
  'dropped',
  'drained',
];

const checkWireTimeout = nullable(integer(1, 86_400_000));
const DEFAULT_WIRE_TIMEOUT_MS = 5_000;

const DEFINITION_CHECKS = {
  ...SETTINGS_CHECKS,
  mode: oneOf(OWN_MODES),
} as const satisfies Record<keyof BreakerDefinition, Check>;

/** The rule of each option. */
export const OPTION_CHECKS = {
  ...DEFINITION_CHECKS,
  isFailure: (value, field) => expectType(typeof value === 'function', field, 'must be a function', value),
  isFailureResult: (value, field) => expectType(typeof value === 'function', field, 'must be a function', value),
  isSlow: (value, field) => expectType(typeof value === 'function', field, 'must be a function', value),
  neutralWires: (value, field) =>
    Array.isArray(value) ? checkWires(value, field) : [{ field, rule: 'must be an array of wires', value }],
  wireMode: (value, field) => expectType(value === 'first' || value === 'all', field, 'must be first or all', value),
  wireTimeoutMs: checkWireTimeout,
  telemetry: (value, field) =>
    expectType(
      value === 'otel' || value === 'off' || hasMethods(value, OBSERVER_METHODS),
      field,
      'must be otel, off or an observer',
      value,
    ),
  callSpans: oneOf(CALL_SPANS),
  clock: (value, field) => expectType(hasMethods(value, CLOCK_METHODS), field, 'must be a clock', value),
} as const satisfies Record<keyof BreakerOptions, Check>;
const shape = object({}, OPTION_CHECKS);
const definitionShape = object({}, DEFINITION_CHECKS);

/** @throws InvalidInputError naming each option that breaks its rule */
export function validateOptions(name: string, options: BreakerOptions): ValidOptions {
  const problems = [...breakerName(name, 'name'), ...shape(options, '')];
  if (problems.length > 0) throw new InvalidInputError(problems);
  // Breakers that say nothing of their own have one object for it.
  if (Object.keys(options).length === 0) return DEFAULT_OPTIONS;
  return optionsOf(options);
}

function optionsOf(options: BreakerOptions): ValidOptions {
  // Spread into the object below, they would cost each breaker 32 bytes.
  const { settings, mode } = definitionOf(options);
  return {
    settings,
    mode,
    isFailure: options.isFailure ?? everyErrorIsFailure,
    isFailureResult: options.isFailureResult,
    isSlow: options.isSlow,
    wires: options.neutralWires ?? NO_WIRES,
    wireMode: options.wireMode ?? 'first',
    wireTimeoutMs: options.wireTimeoutMs === undefined ? DEFAULT_WIRE_TIMEOUT_MS : options.wireTimeoutMs,
    callSpans: options.callSpans ?? 'failures',
    clock: options.clock ?? systemClock,
  };
}

/** @throws InvalidInputError naming each field that breaks its rule */
export function validateDefinition(definition: BreakerDefinition): ValidDefinition {
  const problems = definitionShape(definition, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return definitionOf(definition);
}

function definitionOf(definition: BreakerDefinition): ValidDefinition {
  const settings = setsAny(definition) ? applySettings(DEFAULT_SETTINGS, definition) : DEFAULT_SETTINGS;
  const rules = checkSettingsRules(settings);
  if (rules.length > 0) throw new InvalidInputError(rules);
  return { settings, mode: definition.mode ?? 'auto' };
}

/** Breakers that set nothing of their own have one object for their settings. */
function setsAny(options: SettingsPatch): boolean {
  return Object.keys(DEFAULT_SETTINGS).some((key) => options[key as keyof SettingsPatch] !== undefined);
}

const NO_WIRES: readonly NeutralWire[] = [];

function everyErrorIsFailure(): boolean {
  return true;
}

const DEFAULT_OPTIONS = optionsOf({});

function checkWires(wires: readonly unknown[], field: string): Problem[] {
  const names = new Set<string>();
  return wires.flatMap((wire, index) => {
    const at = `${field}[${index}]`;
    if (!isRecord(wire) || typeof wire.take !== 'function')
      return [{ field: at, rule: 'must be a neutral wire', value: wire }];
    const problems = breakerName(wire.name, `${at}.name`);
    if (wire.timeoutMs !== undefined) problems.push(...checkWireTimeout(wire.timeoutMs, `${at}.timeoutMs`));
    if (names.has(String(wire.name))) {
      problems.push({ field: `${at}.name`, rule: 'must be unique on its breaker', value: wire.name });
    }
    names.add(String(wire.name));
    return problems;
  });
}

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return isRecord(value) && methods.every((method) => typeof value[method] === 'function');
}

function expectType(holds: boolean, field: string, rule: string, value: unknown): Problem[] {
  return holds ? [] : [{ field, rule, value }];
}
