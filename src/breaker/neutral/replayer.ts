import type { Operation } from '../calls/operations.ts';
import { type DeadCallHandler, handOverDead } from './dead-call.ts';
import type { DrainPace } from './drain-pace.ts';
import type { GiveBack } from './give-back.ts';
import type { HeldCalls } from './held-calls.ts';
import type { ProbeTurns } from './probe-turns.ts';
import type { SpooledCall } from './spool/spool.ts';
import type { SureWork } from './sure-work.ts';
import type { WireHost } from './wire.ts';

export interface ReplayOptions {
  readonly wire: string;
  /** Whether the spool keeps the dead. */
  readonly keepsDead: boolean;
  readonly maxAttempts: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly onDead: DeadCallHandler | undefined;
}

export interface ReplayPorts {
  readonly host: WireHost;
  readonly held: HeldCalls;
  readonly pace: DrainPace;
  readonly probeTurns: ProbeTurns;
  readonly giveBack: GiveBack;
  readonly work: SureWork;
}

/** What became of a call that was to be replayed. `given_back`: its spool has it again. `asks_again`: nobody has, and its turn will come. */
export type ReplayEnd = 'replayed' | 'dead' | 'dropped' | 'given_back' | 'asks_again';

/** Hands a held call to the function that it was meant for, through the breaker, and sees to what becomes of it. */
export class Replayer {
  readonly #ports: ReplayPorts;
  readonly #options: ReplayOptions;
  readonly #whose: string;

  /** @param whose wire it is, in words */
  constructor(ports: ReplayPorts, options: ReplayOptions, whose: string) {
    this.#ports = ports;
    this.#options = options;
    this.#whose = whose;
  }

  /** @param startedAt monotonic ms */
  async replay(call: SpooledCall, operation: Operation, startedAt: number): Promise<ReplayEnd | undefined> {
    const { host, held, pace, probeTurns, giveBack, work } = this.#ports;
    const waitedMs = Math.max(0, host.clock.wallMs() - call.divertedAt);
    const step = host.rampStep();
    const result = await pace.ask(step, () =>
      host.replay((context) => operation.run(call.input, context), {
        attempt: call.attempts + 1,
        idempotencyKey: call.idempotencyKey,
        divertedAt: call.divertedAt,
      }),
    );
    // What it holds was given up, or is kept for the next process.
    if (work.isStopped) return undefined;
    if (result.kind === 'denied') {
      // A call of the step it is all the same.
      if (step) return 'asks_again';
      pace.denied(result.retryAfterMs);
      await giveBack.retry(call, call.attempts, 0);
      return 'given_back';
    }
    const endedAt = host.clock.monotonicMs();
    const durationMs = endedAt - startedAt;
    pace.ended(result, startedAt, endedAt);
    if (result.kind === 'succeeded') {
      const told = { waitedMs, durationMs, receipt: call.id };
      return (await work.surely(() => held.replayed(call, told, result.value))) ? 'replayed' : undefined;
    }
    const { error } = result;
    const asProbe = result.kind === 'failed' && result.asProbe;
    // A failed probe tells of the dependency, not of the call: a long outage must not use up the call's attempts.
    const attempts = asProbe ? call.attempts : call.attempts + 1;
    if (asProbe) probeTurns.failed(call);
    if (result.kind === 'failed' && attempts < this.#options.maxAttempts) {
      host.report.retried({ receipt: call.id, durationMs, error });
      await giveBack.retry(call, attempts, asProbe ? 0 : this.#backoffMs(attempts));
      return 'given_back';
    }
    return this.#bury(call, attempts, error, durationMs);
  }

  /** In memory nobody but its handler has a dead call, so without one it is dropped. A durable spool keeps it in any case. */
  async #bury(call: SpooledCall, attempts: number, error: unknown, durationMs: number): Promise<ReplayEnd | undefined> {
    const { host, held, work } = this.#ports;
    const { wire, onDead, keepsDead } = this.#options;
    const { input, key, idempotencyKey, divertedAt } = call;
    const receipt = held.receiptOf(call, host.breaker, wire);
    const dead = { receipt, input, key, idempotencyKey, divertedAt, attempts, error };
    if (!(await handOverDead(dead, onDead, this.#whose)) && !keepsDead) {
      return (await work.surely(() => held.drop(call, 'exhausted', error))) ? 'dropped' : undefined;
    }
    const told = { receipt: call.id, durationMs, error };
    return (await work.surely(() => held.died(call, told, host.clock.wallMs()))) ? 'dead' : undefined;
  }

  #backoffMs(attempts: number): number {
    const { baseMs, maxMs } = this.#options.backoff;
    return Math.min(maxMs, baseMs * 2 ** (attempts - 1));
  }
}
