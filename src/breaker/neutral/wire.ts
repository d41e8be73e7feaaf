import type { BreakerState, DropReason, WireOutcome } from '@switchgear/conventions';
import type { CallContext } from '../calls/call-context.ts';
import type { Operation, Operations } from '../calls/operations.ts';
import type { Clock } from '../clock.ts';
import type { RampStep } from './ramp-step.ts';
import type { SpoolTotals } from './spool/spool.ts';

/** A call that the breaker did not let through, or the one that tripped it, on its way to a neutral wire. */
export interface DivertedCall {
  readonly breaker: string;
  /** The original input, as the caller gave it; `undefined` where `execute` was given none. */
  readonly input: unknown;
  /** Groups calls whose order matters, such as a customer's id. */
  readonly key: string | undefined;
  /** The function that was wrapped by `protect`, by which calls of one input are told apart; `undefined` for `execute`. */
  readonly fn: object | undefined;
  /** The same by its name, as a buffer keeps it; `undefined` for `execute`. */
  readonly operation: Operation | undefined;
  /** The caller's, or one that is made when it is asked for. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal | undefined;
  /** The error of the call that tripped the breaker; `undefined` for a call that was not let through. */
  readonly error: unknown;
  /** Monotonic ms. */
  readonly divertedAt: number;
  /** Runs the protected function once more with the same input; `undefined` where the call cannot be replayed. */
  readonly replay: Replay | undefined;
}

export type Replay = (context: CallContext) => unknown;

/** What a replay has of the call that was diverted. */
export interface ReplayOrigin {
  /** 1 for the first replay. */
  readonly attempt: number;
  readonly idempotencyKey: string;
  /** Wall time, ms. */
  readonly divertedAt: number;
}

/** What a wire made of a call it took. */
export interface WireAnswer<Answer> {
  readonly outcome: Exclude<WireOutcome, 'failed'>;
  readonly value: Answer;
  /** The wire has counted the call as received itself, in the same moment as it was held. */
  readonly isCounted?: boolean;
}

/** A call that went well, for a wire that learns from such calls. */
export interface GoodCall extends Pick<DivertedCall, 'input' | 'key' | 'fn'> {
  /** When it ended: monotonic ms. */
  readonly endedAt: number;
  /** The same by the wall clock, ms since the epoch. */
  readonly endedAtWallMs: number;
}

/** What a wire holds. */
export interface WireLoad {
  /** Calls. */
  readonly depth: number;
  readonly capacity: number;
  readonly sizeBytes: number;
  /** Age of the oldest held call in ms; 0 when empty. */
  readonly oldestAgeMs: number;
}

/** What became of a wire's calls as it was closed. */
export interface WireClosing {
  /** Calls that were held and are lost. */
  readonly givenUp: number;
}

export function isWireClosing(value: unknown): value is WireClosing {
  return typeof value === 'object' && value !== null && 'givenUp' in value && typeof value.givenUp === 'number';
}

/** Where a diverted call goes. A wire belongs to one breaker. */
export interface NeutralWire<Answer = unknown> {
  /** Unique on its breaker; a metric attribute. */
  readonly name: string;
  /** What sort of wire: `fallback`, `cache`, `buffer`, `breaker`. */
  readonly kind: string;
  /**
   * Takes the call, or throws: the wire is then passed over and the next is asked.
   * @throws WireRefusedError where the wire is not for such a call, which is no failure of the wire
   */
  take(call: DivertedCall): Promise<WireAnswer<Answer>> | WireAnswer<Answer>;
  /** Hears of each call that went well, before its caller does. Replays are none of them. What it throws reaches `diag` only. */
  learn?(call: GoodCall, result: unknown): void;
  /**
   * Milliseconds that it has for an answer that comes later, in place of the breaker's `wireTimeoutMs`; null: as long as it
   * takes. Default: null on a wire that holds calls, which has `load`, since one that was given up might be held after
   * all; the breaker's on others.
   */
  readonly timeoutMs?: number | null;
  /** `take` for a caller that cannot wait. Without it `take` is asked, and passed over where it answers later. */
  takeSync?(call: DivertedCall): WireAnswer<Answer>;
  /** Called once, when the breaker is made. */
  attach?(host: WireHost): void;
  /** What it holds; only on wires that hold calls. */
  load?(): WireLoad;
  /** Takes no more calls; tries for `drainForMs` to replay what is held, then keeps or gives up the rest, and may answer with a `WireClosing`. */
  close?(options: { readonly drainForMs: number }): Promise<unknown>;
}

/** How an attempt to replay ended. `denied`: the breaker did not let it through, ask again in `retryAfterMs`. */
export type ReplayResult =
  | { readonly kind: 'denied'; readonly retryAfterMs: number | null }
  | { readonly kind: 'succeeded'; readonly value: unknown }
  /** The protected function failed in a way the breaker counts: worth another attempt. `asProbe`: it was a probe. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly asProbe: boolean }
  /** It failed in a way the breaker ignores, such as a validation error: another attempt would end alike. */
  | { readonly kind: 'ignored'; readonly error: unknown };

/** What a breaker offers its wires. */
export interface WireHost {
  readonly breaker: string;
  readonly clock: Clock;
  /** Sends a held call through the breaker like any other call: it needs a permit and its outcome is judged. */
  replay(replay: Replay, origin: ReplayOrigin): Promise<ReplayResult>;
  /** The functions that calls of an earlier process are replayed by. */
  readonly operations: Operations;
  /** Milliseconds until the breaker may let a call through; 0 when it does now; null where an operator holds it open. */
  retryAfterMs(): number | null;
  state(): BreakerState;
  /** The step of the recovery ramp that it is in; undefined where it is in none. */
  rampStep(): RampStep | undefined;
  /** Calls that came to the breaker, let through or not; replays that were let through count too. It never falls. */
  callsCome(): number;
  /** Places of the concurrency limit that are free; Infinity where there is none. */
  freePlaces(): number;
  /** The concurrency limit; null where there is none. */
  maxConcurrent(): number | null;
  /** From which a call counts as slow, in ms; null where none does. */
  slowMs(): number | null;
  /** Called after the breaker closed. */
  onReset(listener: () => void): void;
  /** Called after the breaker opened. */
  onTrip(listener: () => void): void;
  readonly report: WireReport;
}

/** A replay as it is told: `durationMs` from its start to its end. */
interface ToldReplay {
  readonly receipt: string;
  readonly durationMs: number;
}

/** How a wire tells what becomes of the calls it holds. */
export interface WireReport {
  /** A call is held from now on. The wire's answer for it says `isCounted`. */
  received(): void;
  /** What the spool's calls of earlier processes came to. */
  restored(totals: SpoolTotals): void;
  replayed(replay: ToldReplay & { readonly waitedMs: number }): void;
  retried(failure: ToldReplay & { readonly error: unknown }): void;
  /** Kept as a dead letter, or handed to its handler. */
  dead(failure: ToldReplay & { readonly error: unknown }): void;
  dropped(reason: DropReason, depth: number): void;
  /** A drain came to its end, the wire empty. */
  drained(summary: { readonly replayed: number; readonly dead: number; readonly durationMs: number }): void;
}
