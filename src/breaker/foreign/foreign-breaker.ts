import type { BreakerState, OverrideMode, SettingsPatch, TransitionReason } from '@switchgear/conventions';

/**
 * A breaker of another library, as `reportBreaker` takes it. It goes on deciding for itself; what it cannot do is left out,
 * and is refused where somebody asks for it.
 */
export interface ForeignBreaker {
  /** The state it is in now. Asked with its numbers, and after it was steered. */
  state(): BreakerState;
  /** Begins to tell what it does. Returns what ends that, called once. */
  attach(report: BreakerReport): () => void;
  /** The settings it goes by, as far as they are known. For the inventory and the thresholds: nothing here decides by them. */
  readonly settings?: SettingsPatch;
  /** Where the calls go that it does not let through. A wire that is told of later is added, 16 in all. */
  readonly wires?: readonly ForeignWire[];
  /** Calls in flight; left out: 0. */
  activeCalls?(): number;
  /** Opens it for one cooldown, before it returns. */
  trip?(): void;
  /** Closes it, before it returns. */
  reset?(): void;
  /** Holds it in a mode, whatever it would do by itself. Returns what lets it go, called once. */
  readonly holds?: { readonly [Mode in OverrideMode]?: () => () => void };
}

export interface ForeignWire {
  /** 1 to 120 characters; a metric attribute. */
  readonly name: string;
  /** What sort of wire: `fallback`, `cache`, or another word. */
  readonly kind: string;
}

/** How a failed call is told, beside its error and its duration. */
export interface ForeignFailure {
  /** This call trips the breaker, whose change of state is told next. Default false. */
  readonly tripped?: boolean;
}

/**
 * What a breaker of another library tells. Each call that comes to it is told once, as it ends; durations are in milliseconds.
 * None of these throws, and after `close` none does anything.
 */
export interface BreakerReport {
  /**
   * It is in a state. One that it was in already is no news.
   * @param reason default: what usually leads from the last state to this one, such as `cooldown` to half-open
   * @param note a word for a person
   */
  state(to: BreakerState, reason?: TransitionReason, note?: string): void;
  succeeded(durationMs: number): void;
  failed(error: unknown, durationMs: number, failure?: ForeignFailure): void;
  timedOut(error: unknown, durationMs: number, failure?: ForeignFailure): void;
  /** It failed in a way that says nothing of the dependency. */
  ignored(): void;
  /** Its caller called it off. */
  cancelled(): void;
  /** It was not let through, and its caller got the error. */
  rejected(): void;
  /** The same, because too many were in flight. */
  limited(): void;
  /** It was not let through, and a wire answered it. */
  diverted(wire: string): void;
  /** A wire answered a call that was let through and failed, which is told as well. */
  served(wire: string): void;
}
