/** Keys of the calls in crash tests of spools. */
const KEYS = 5;

/** The key of a call, told by its number. */
export function keyOf(number: number): number {
  return number % KEYS;
}

/** The numbers of the lines with a sign, in the order in which they were said. */
export function numbersSaid(log: readonly string[], sign: string): number[] {
  return log.filter((line) => line.startsWith(`${sign} `)).map((line) => Number(line.slice(sign.length + 1)));
}

/**
 * Where a spool broke the order of a key, by what the processes on it said one after the other: `open`; `+ n`, a call was
 * acknowledged; `< n`, it was taken; `^ n`, it is about to be given back; `~ n`, it is about to be ended; `- n`, its end was
 * acknowledged; and at last `= n`, it is held. Calls of a key are numbered in the order in which they were appended. A kill
 * leaves open whether what a process was about to do was done, and nothing else:
 * - a call is taken while it is held, and by one at a time;
 * - it is not taken while an older one of its key is held, acknowledged or not;
 * - what is held at last is no older than what was taken last of its key, and in order.
 */
export function orderBreaches(log: readonly string[]): string[] {
  const keys = keysIn(log);
  const ended = new Set<number>();
  let taken = new Set<number>();
  let lastHeld = 0;
  const breaches: string[] = [];
  const isBreach = (is: boolean, what: string) => is && breaches.push(what);
  for (const line of log) {
    const number = Number(line.slice(2));
    const key = keys.get(keyOf(number))!;
    if (line === 'open') taken = new Set();
    else if (line[0] === '^') taken.delete(number);
    else if (line[0] === '~') key.open.delete(number);
    else if (line[0] === '-') ended.add(number);
    else if (line[0] === '<') {
      isBreach(taken.has(number), `${number} was taken twice at a time`);
      isBreach(ended.has(number), `${number} was taken after its end`);
      isBreach(number < key.latest, `${number} was taken after ${key.latest}`);
      const older = key.openBefore(number);
      isBreach(older !== undefined, `${number} was taken while ${older} was held`);
      key.take(number);
      taken.add(number);
    } else if (line[0] === '=') {
      isBreach(ended.has(number), `${number} is held after its end`);
      isBreach(number < key.latest, `${number} is held after ${key.latest} was taken`);
      isBreach(number < lastHeld, `${number} is held behind ${lastHeld}`);
      lastHeld = number;
    }
  }
  return breaches;
}

/** The calls of a key that were in the spool at any time: what was taken or held was in it, though nobody was told. */
class Key {
  /** Calls that nobody was about to end since they were taken. */
  readonly open: Set<number>;
  latest = 0;
  readonly #numbers: readonly number[];
  /** Of those before it none is open. */
  #first = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers.toSorted((a, b) => a - b);
    this.open = new Set(numbers);
  }

  take(number: number): void {
    this.latest = number;
    // The end that somebody was about to make of it was cut off.
    this.open.add(number);
    this.#first = Math.min(this.#first, this.#numbers.indexOf(number));
  }

  openBefore(number: number): number | undefined {
    while (this.#first < this.#numbers.length && !this.open.has(this.#numbers[this.#first]!)) this.#first += 1;
    const first = this.#numbers[this.#first] ?? number;
    return first < number ? first : undefined;
  }
}

function keysIn(log: readonly string[]): Map<number, Key> {
  const all = new Set(['+', '<', '~', '='].flatMap((sign) => numbersSaid(log, sign)));
  return new Map([...Map.groupBy(all, keyOf)].map(([key, numbers]) => [key, new Key(numbers)]));
}
