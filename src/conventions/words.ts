/** What a breaker can be. `forced_open`, `disabled` and `shadow` are modes that an operator sets; the rest it finds itself. */
export const BREAKER_STATES = ['closed', 'open', 'half_open', 'forced_open', 'disabled', 'shadow'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/** How a breaker is steered: `auto` decides for itself; the others are overrides. */
export const BREAKER_MODES = ['auto', 'forced_open', 'disabled', 'shadow'] as const;
export type BreakerMode = (typeof BREAKER_MODES)[number];

/** The modes an operator can hold a breaker in: each needs a reason, an actor and an expiry. */
export const OVERRIDE_MODES = ['forced_open', 'disabled', 'shadow'] as const;
export type OverrideMode = (typeof OVERRIDE_MODES)[number];

/** How one call ended. The first three were executed and judged; only they enter the failure ratio. */
export const CALL_OUTCOMES = [
  'success',
  'failure',
  'timeout',
  'ignored',
  'cancelled',
  'rejected',
  'limited',
  'diverted',
] as const;
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

/** The outcomes whose duration is measured. */
export const TIMED_OUTCOMES = ['success', 'failure', 'timeout'] as const satisfies readonly CallOutcome[];
export type TimedOutcome = (typeof TIMED_OUTCOMES)[number];

/** The outcomes after which the caller has no answer: failure + timeout + rejected + limited. */
export const UNSERVED_OUTCOMES = [
  'failure',
  'timeout',
  'rejected',
  'limited',
] as const satisfies readonly CallOutcome[];

/** Why a breaker changed its state. */
export const TRANSITION_REASONS = [
  'threshold',
  'slow',
  'consecutive',
  'probe_failed',
  'probes_passed',
  'cooldown',
  'operator',
  'desired_state',
  'fleet',
] as const;
export type TransitionReason = (typeof TRANSITION_REASONS)[number];

/** What a neutral wire did with a call that was diverted to it. */
export const WIRE_OUTCOMES = ['served', 'buffered', 'failed'] as const;
export type WireOutcome = (typeof WIRE_OUTCOMES)[number];

/** How a replay out of a buffer ended. */
export const DRAIN_OUTCOMES = ['replayed', 'retried', 'dead'] as const;
export type DrainOutcome = (typeof DRAIN_OUTCOMES)[number];

/** Why a neutral wire gave up a call. */
export const DROP_REASONS = ['overflow', 'expired', 'exhausted', 'shutdown'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** The actions an operator can ask for once. */
export const ACTION_KINDS = ['trip', 'reset'] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];
