import type { BreakerSettings } from '@switchgear/conventions';
import { Breaker } from '../breaker.ts';
import type { ProtectOptions } from '../breaker-face.ts';
import type { CallContext } from '../calls/call-context.ts';
import type { ExecuteOptions } from '../calls/call-path.ts';
import type { CallPermit } from '../calls/permits.ts';
import type { CloseOptions } from '../close-options.ts';
import { settingsWith } from '../core.ts';
import type { AnswerOf } from '../neutral/answer-of.ts';
import type { Receipt } from '../neutral/receipt.ts';
import type { NeutralWire } from '../neutral/wire.ts';
import type { BreakerDefinition, BreakerOptions, OwnMode } from '../options.ts';
import { tellRedefined } from '../registry.ts';
import { diagError } from '../telemetry/isolated-observer.ts';
import type { BreakerReadings, WireReadings } from '../telemetry/observer.ts';
import type { Evictable } from './eviction-order.ts';

/** Its group takes it off the list. */
const LISTING = { closed: () => {}, redefined: tellRedefined };

/** What a breaker asks of its group. */
export interface Group<Member> {
  /** A call comes. */
  used(member: Member): void;
  /** It was evicted, and somebody who still has it does something with it. */
  usedAfterEviction(member: Member): void;
  /** It is being closed by hand. */
  closing(member: Member): void;
}

/** One breaker of a group. */
export class KeyedBreaker<Wires extends readonly NeutralWire[] = readonly NeutralWire[]>
  extends Breaker<Wires>
  implements Evictable<KeyedBreaker<Wires>>
{
  readonly key: string;
  askedAt = 0;
  older: KeyedBreaker<Wires> | undefined = undefined;
  newer: KeyedBreaker<Wires> | undefined = undefined;
  readonly #group: Group<KeyedBreaker<Wires>>;
  #isEvicted = false;
  /** It was redefined for itself: what the group is does not count for it any more. */
  #isOnItsOwn = false;

  /** @param reportsAs the group's readings, where it has no series of its own */
  constructor(
    name: string,
    key: string,
    options: BreakerOptions<Wires>,
    group: Group<KeyedBreaker<Wires>>,
    reportsAs: BreakerReadings | undefined,
  ) {
    super(name, options, LISTING, reportsAs);
    this.key = key;
    this.#group = group;
  }

  get readings(): BreakerReadings {
    return this.parts.readings;
  }

  isAtRest(): boolean {
    const { state } = this.parts.core;
    return (state === 'closed' || state === this.mode) && !this.isHeld && !this.hasCalls();
  }

  /** An open breaker is worth keeping while its cooldown runs: after it, it would let a call through in any case. */
  mayGoIdle(): boolean {
    return !this.isHeld && this.parts.core.retryAfterMs() === 0 && !this.hasCalls();
  }

  /** In flight, or held by a wire. */
  hasCalls(): boolean {
    return this.readings.activeCalls() > 0 || this.readings.wires.some(holdsCalls);
  }

  /** It goes on for whoever has it, but its wires are closed: what they hold is dropped, reason `shutdown`. */
  evict(): void {
    this.#isEvicted = true;
    for (const wire of this.neutralWires) {
      const close = async () => wire.close?.({ drainForMs: 0 });
      close().catch((error) => diagError(`A wire of breaker "${this.name}" threw at its close`, error));
    }
  }

  override redefine(definition: BreakerDefinition): void {
    super.redefine(definition);
    this.#isOnItsOwn = true;
  }

  /** @throws InvalidInputError where it could not `follow` a group that has these settings */
  checkUnder(group: BreakerSettings): void {
    if (!this.#isOnItsOwn) settingsWith(group, this.laidOver);
  }

  /** The group is another one now. */
  follow(group: BreakerSettings, mode: OwnMode): void {
    if (!this.#isOnItsOwn) super.redefine({ ...group, mode });
  }

  override execute<T>(
    run: (context: CallContext) => T | PromiseLike<T>,
    options?: ExecuteOptions,
  ): Promise<T | Exclude<AnswerOf<Wires, T>, Receipt>> {
    this.#group.used(this);
    return super.execute(run, options);
  }

  override executeSync<T>(
    run: (context: CallContext) => T,
    options?: Omit<ExecuteOptions, 'signal'>,
  ): T | Exclude<AnswerOf<Wires, T>, Receipt> {
    this.#group.used(this);
    return super.executeSync(run, options);
  }

  override protect<Input, T>(
    fn: (input: Input, context: CallContext) => T | PromiseLike<T>,
    protectOptions?: ProtectOptions,
  ): (input: Input, options?: Omit<ExecuteOptions, 'input'>) => Promise<T | AnswerOf<Wires, T>> {
    const run = super.protect(fn, protectOptions);
    return (input, options) => {
      this.#group.used(this);
      return run(input, options);
    };
  }

  override acquire(): CallPermit | undefined {
    this.#group.used(this);
    return super.acquire();
  }

  override allow(): boolean {
    this.#group.used(this);
    return super.allow();
  }

  override async close(options?: CloseOptions): Promise<void> {
    this.#group.closing(this);
    await super.close(options);
  }

  protected override refresh(): void {
    super.refresh();
    if (this.#isEvicted) this.#group.usedAfterEviction(this);
  }
}

/** A wire that cannot be read may hold some: whoever reads the metrics is told why it cannot. */
function holdsCalls(wire: WireReadings): boolean {
  try {
    return (wire.load()?.depth ?? 0) > 0;
  } catch {
    return true;
  }
}
