import { type BreakerOptions, createBreaker } from '@switchgear/breaker';
import { TimeoutStrategy, timeout, wrap } from 'cockatiel';
import { Timeout } from 'mollitia';
import CircuitBreaker from 'opossum';
import { type Contender, expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { ANSWER, answer, cockatielBreaker, mollitiaBreaker, mollitiaCircuit } from '../peers.ts';
import { timeSideBySide } from '../side-by-side.ts';

const TIMEOUT_MS = 10_000;

/** Calls that go through, every breaker with its defaults. */
export async function closed(): Promise<Measurement[]> {
  const contenders = [
    bareCall(),
    switchgear('switchgear'),
    cockatiel(),
    opossum(),
    opossumWithoutTimeout(),
    mollitia(),
  ];
  return [await timeSideBySide('closed', 'closed path, default options', contenders)];
}

/** Calls that go through under a timeout. */
export async function closedTimeout(): Promise<Measurement[]> {
  const guarded = wrap(cockatielBreaker(), timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive));
  const circuit = mollitiaCircuit(answer, [mollitiaBreaker(), new Timeout({ delay: TIMEOUT_MS })]);
  const contenders: Contender[] = [
    bareCall(),
    switchgear('switchgear', { timeoutMs: TIMEOUT_MS }),
    { name: 'cockatiel', call: () => guarded.execute(answer), answer: ANSWER },
    opossum(),
    { name: 'mollitia', call: () => circuit.execute(), answer: ANSWER },
  ];
  return [await timeSideBySide('closed-timeout', 'closed path, timeout of 10 s', contenders)];
}

const FEW = 10;

/** The same with ten breakers and functions in turn: what the engine learns of one breaker is of less use. */
export async function closedMany(): Promise<Measurement[]> {
  const breakers = Array.from({ length: FEW }, (_, index) => createBreaker(`bench many ${index}`));
  const policies = Array.from({ length: FEW }, cockatielBreaker);
  const functions = Array.from({ length: FEW }, answerOf);
  const circuits = functions.map((run) => new CircuitBreaker(run));
  const contenders: Contender[] = [
    { name: 'bare call', call: inTurn(functions, (run) => run()), answer: ANSWER },
    {
      name: 'switchgear',
      call: inTurn(breakers, (breaker, index) => breaker.execute(functions[index]!)),
      answer: ANSWER,
      check: (calls) => {
        const counted = breakers.reduce((sum, breaker) => sum + breaker.stats().calls.success, 0);
        expectCount('switchgear', counted, calls);
      },
    },
    { name: 'cockatiel', call: inTurn(policies, (policy, index) => policy.execute(functions[index]!)), answer: ANSWER },
    { name: 'opossum', call: inTurn(circuits, (breaker) => breaker.fire()), answer: ANSWER },
  ];
  return [await timeSideBySide('closed-many', 'closed path, ten breakers and functions in turn', contenders)];
}

export function bareCall(): Contender {
  return { name: 'bare call', call: answer, answer: ANSWER };
}

export function switchgear(name: string, options: BreakerOptions = {}): Contender {
  const breaker = createBreaker(`bench ${name}`, options);
  return {
    name,
    call: () => breaker.execute(answer),
    answer: ANSWER,
    check: (calls) => expectCount(name, breaker.stats().calls.success, calls),
  };
}

export function cockatiel(): Contender {
  const policy = cockatielBreaker();
  return { name: 'cockatiel', call: () => policy.execute(answer), answer: ANSWER };
}

/** Its default is a timeout of 10 s. */
export function opossum(): Contender {
  const breaker = new CircuitBreaker(answer);
  return { name: 'opossum', call: () => breaker.fire(), answer: ANSWER };
}

export function opossumWithoutTimeout(): Contender {
  const breaker = new CircuitBreaker(answer, { timeout: false });
  return { name: 'opossum, timeout off', call: () => breaker.fire(), answer: ANSWER };
}

function mollitia(): Contender {
  const circuit = mollitiaCircuit(answer);
  return { name: 'mollitia', call: () => circuit.execute(), answer: ANSWER };
}

/** A function with code of its own, as far as the engine can see. */
function answerOf(_: unknown, index: number): () => Promise<number> {
  return new Function('answer', `return async function answer${index}() { return answer; }`)(ANSWER);
}

function inTurn<Item>(
  items: readonly Item[],
  call: (item: Item, index: number) => Promise<unknown>,
): () => Promise<unknown> {
  let next = 0;
  return () => {
    const index = next;
    next = index + 1 === items.length ? 0 : index + 1;
    return call(items[index]!, index);
  };
}
