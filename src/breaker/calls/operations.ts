import type { CallContext } from './call-context.ts';

/** A protected function, by the name under which a buffer keeps its calls. */
export interface Operation {
  readonly name: string;
  run(input: unknown, context: CallContext): unknown;
}

/** Most names that a breaker keeps: a function protected anew for each request, each under a name of its own, must not leak. */
const MOST_NAMES = 1_000;

/** The protected functions of a breaker, by name. The first of a name is the one that a call of another process is replayed by. */
export class Operations {
  readonly #byName = new Map<string, Operation>();
  readonly #listeners: (() => void)[] = [];

  add(operation: Operation): void {
    if (this.#byName.has(operation.name) || this.#byName.size >= MOST_NAMES) return;
    this.#byName.set(operation.name, operation);
    for (const listener of this.#listeners) listener();
  }

  find(name: string): Operation | undefined {
    return this.#byName.get(name);
  }

  onAdded(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
