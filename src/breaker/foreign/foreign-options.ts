import {
  applySettings,
  type BreakerSettings,
  breakerName,
  type Check,
  checkSettingsPatch,
  DEFAULT_SETTINGS,
  InvalidInputError,
  isRecord,
  object,
  text,
} from '@switchgear/conventions';
import { type Clock, systemClock } from '../clock.ts';
import { type BreakerOptions, OPTION_CHECKS } from '../options.ts';
import type { CallSpans } from '../telemetry/observer.ts';
import type { ForeignBreaker } from './foreign-breaker.ts';
import { MOST_WIRES } from './foreign-wires.ts';

/** How a breaker of another library reports. */
export type ReportOptions = Pick<BreakerOptions, 'telemetry' | 'callSpans' | 'clock'>;

export interface ValidReportOptions {
  readonly settings: BreakerSettings;
  readonly telemetry: NonNullable<BreakerOptions['telemetry']>;
  readonly callSpans: CallSpans;
  readonly clock: Clock;
}

/** Nothing is known but what must be a number. */
const UNKNOWN_SETTINGS: BreakerSettings = {
  trip: {
    failureRatio: null,
    minimumCalls: 1,
    failures: null,
    consecutive: null,
    slowRatio: null,
    slowMs: null,
    countOverdue: false,
    windowMs: DEFAULT_SETTINGS.trip.windowMs,
    windowCalls: null,
    debounceMs: null,
  },
  cooldownMs: DEFAULT_SETTINGS.cooldownMs,
  halfOpen: { ...DEFAULT_SETTINGS.halfOpen, probes: 1 },
  timeoutMs: null,
  maxConcurrent: null,
};

const { telemetry, callSpans, clock } = OPTION_CHECKS;
const checkOptions = object({}, { telemetry, callSpans, clock });
const wire = object({ name: breakerName, kind: text(1, 120) });
const wires: Check = (value, field) =>
  Array.isArray(value) && value.length <= MOST_WIRES
    ? value.flatMap((item, index) => wire(item, `${field}[${index}]`))
    : [{ field, rule: `must be a list of at most ${MOST_WIRES} wires`, value }];
const checkSource: Check = (value, field) => {
  if (!isRecord(value) || typeof value.state !== 'function' || typeof value.attach !== 'function') {
    return [{ field, rule: 'must be an object with state() and attach()', value }];
  }
  return [
    ...(value.settings === undefined ? [] : checkSettingsPatch(value.settings, `${field}.settings`)),
    ...(value.wires === undefined ? [] : wires(value.wires, `${field}.wires`)),
  ];
};

/** @throws InvalidInputError naming each thing that breaks its rule */
export function validateReport(name: string, source: ForeignBreaker, options: ReportOptions): ValidReportOptions {
  const problems = [
    ...breakerName(name, 'name'),
    ...checkSource(source, 'source'),
    ...checkOptions(options, 'options'),
  ];
  if (problems.length > 0) throw new InvalidInputError(problems);
  return {
    settings: applySettings(UNKNOWN_SETTINGS, source.settings ?? {}),
    telemetry: options.telemetry ?? 'otel',
    callSpans: options.callSpans ?? 'failures',
    clock: options.clock ?? systemClock,
  };
}
