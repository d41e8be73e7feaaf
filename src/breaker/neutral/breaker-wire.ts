import { AsyncLocalStorage } from 'node:async_hooks';
import { breakerName, InvalidInputError } from '@switchgear/conventions';
import type { Breaker } from '../breaker.ts';
import { BreakerFace } from '../breaker-face.ts';
import type { CallContext } from '../calls/call-context.ts';
import type { CallFacts } from '../calls/call-path.ts';
import { WireRefusedError } from '../errors.ts';
import type { AttachedBreaker } from '../threads/attach-breaker.ts';
import type { AnswerOf } from './answer-of.ts';
import { isThenable } from './thenable.ts';
import type { DivertedCall, NeutralWire, WireAnswer, WireHost } from './wire.ts';

export interface BreakerWireOptions {
  /** Default: the name of the other breaker. */
  readonly name?: string;
}

/** What of a diverted call outlives a buffer of the other breaker. */
export type BackupCall = Pick<DivertedCall, 'input'>;

/**
 * A wire that sends diverted calls through another breaker: they need its permit, have their outcome there, and go over its own
 * wires where it does not let them through. What the caller gets in the end is the answer; where it is an error,
 * `BreakerOpenError` of the other breaker among them, the next wire is asked. A call that comes by the same wire again on its way
 * is refused there. Closing one breaker leaves the other as it is.
 * @param run makes the call by the other way; a buffer of the other breaker may run it later, with the same input
 */
export function breakerWire<Answer, const Wires extends readonly NeutralWire[]>(
  backup: Breaker<Wires> | AttachedBreaker<Wires>,
  run: (call: BackupCall, context: CallContext) => Answer | PromiseLike<Answer>,
  { name = backup?.name }: BreakerWireOptions = {},
): NeutralWire<Answer | AnswerOf<Wires, Answer>> {
  const problems = breakerName(name, 'name');
  if (!(backup instanceof BreakerFace)) problems.push({ field: 'backup', rule: 'must be a breaker', value: backup });
  if (typeof run !== 'function') problems.push({ field: 'run', rule: 'must be a function', value: run });
  if (problems.length > 0) throw new InvalidInputError(problems);
  return new BreakerWire<Answer | AnswerOf<Wires, Answer>>(name, backup as unknown as Breaker, run);
}

/** A call on its way through a breaker wire. */
interface Journey {
  readonly wire: object;
  /** The names of the breakers that it leaves and comes to. */
  readonly from: string;
  readonly to: string;
  readonly before: Journey | undefined;
  isOver: boolean;
}

const journeys = new AsyncLocalStorage<Journey>();

type AnyRun = (call: BackupCall, context: CallContext) => unknown;
type BackupFunction = (input: unknown, context: CallContext) => unknown;

class BreakerWire<Answer> implements NeutralWire<Answer> {
  readonly name: string;
  readonly kind = 'breaker';
  /** Only where the other breaker holds calls: after a restart a durable spool finds the function by a name of its own. */
  readonly attach?: (host: WireHost) => void;
  readonly #backup: Breaker;
  readonly #fn: BackupFunction;
  #protected: ReturnType<Breaker['protect']> | undefined = undefined;

  constructor(name: string, backup: Breaker, run: AnyRun) {
    this.name = name;
    this.#backup = backup;
    this.#fn = (input, context) => run({ input }, context);
    if (holdsCalls(backup)) this.attach = ({ breaker }) => this.#protect(`${breaker}/${name}`);
  }

  take(call: DivertedCall): Promise<WireAnswer<Answer>> {
    const journey = this.#setOut(call);
    return journeys
      .run(journey, () => this.#send(call))
      .then((value) => served(value as Answer))
      .finally(() => {
        journey.isOver = true;
      });
  }

  takeSync(call: DivertedCall): WireAnswer<Answer> {
    const journey = this.#setOut(call);
    try {
      const { input } = call;
      const run = (context: CallContext) => this.#fn(input, context);
      const value = journeys.run(journey, () => this.#backup.executeSync(run, this.#factsOf(call)));
      if (!isThenable(value)) return served(value as Answer);
      Promise.resolve(value).catch(() => undefined);
      throw new WireRefusedError(this.name, 'it answers later, and the caller cannot wait', true);
    } finally {
      journey.isOver = true;
    }
  }

  #send(call: DivertedCall): Promise<unknown> {
    const { input } = call;
    // A call that cannot be replayed here must not get a receipt there.
    if (call.replay && this.#protected) return this.#protected(input, this.#factsOf(call));
    return this.#backup.execute((context) => this.#fn(input, context), this.#factsOf(call));
  }

  /**
   * With the function, so that a cache of the other breaker keeps its results apart from those of other wires; and with the
   * idempotency key: the same call must not be done once by each way.
   */
  #factsOf({ input, key, signal, idempotencyKey }: DivertedCall): CallFacts {
    return { input, key, signal, idempotencyKey, fn: this.#fn };
  }

  #protect(operation: string): void {
    Object.defineProperty(this.#fn, 'name', { value: operation });
    this.#protected = this.#backup.protect(this.#fn);
  }

  #setOut({ breaker }: DivertedCall): Journey {
    const before = underWay(journeys.getStore());
    for (let at = before; at; at = underWay(at.before)) {
      if (at.wire === this) {
        const route = routeOf(at, before, breaker)
          .map((name) => `"${name}"`)
          .join(' to ');
        throw new WireRefusedError(this.name, `it came by this wire before and goes round in a circle, ${route}`);
      }
    }
    return { wire: this, from: breaker, to: this.#backup.name, before, isOver: false };
  }
}

/** The journey, or the one around it where that has ended: work that outlives a call takes its async context along. */
function underWay(journey: Journey | undefined): Journey | undefined {
  let at = journey;
  while (at?.isOver) at = at.before;
  return at;
}

/** The breakers from the first journey to the last, and the one that the call has come to. */
function routeOf(first: Journey, last: Journey | undefined, breaker: string): string[] {
  const names = [breaker];
  for (let at = last; at; at = at.before) {
    if (names[0] !== at.to) names.unshift(at.to);
    names.unshift(at.from);
    if (at === first) break;
  }
  return names;
}

function holdsCalls(breaker: Breaker): boolean {
  const wires: readonly NeutralWire[] = breaker.neutralWires ?? [];
  return wires.some(({ load }) => load !== undefined);
}

function served<Value>(value: Value): WireAnswer<Value> {
  return { outcome: 'served', value };
}
