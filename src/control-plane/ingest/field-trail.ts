import { InvalidInputError } from '@switchgear/conventions';

/**
 * Where a decoder stands in a request, such as `resourceMetrics[0].scopeMetrics[0].metrics[2].sum`. It is kept as two
 * stacks and put into words only when something is wrong, so that a good request pays two pushes per message.
 */
export class FieldTrail {
  readonly #names: string[] = [];
  readonly #indexes: number[] = [];

  /** Steps into a field; `index` where the field is repeated. */
  enter(name: string, index = -1): void {
    this.#names.push(name);
    this.#indexes.push(index);
  }

  leave(): void {
    this.#names.pop();
    this.#indexes.pop();
  }

  /** What to throw for a field of the message the decoder stands in; without a field, for that message itself. */
  problem(rule: string, value: unknown, field?: string, index = -1): InvalidInputError {
    const steps = this.#names.map((name, at) => step(name, this.#indexes[at]!));
    if (field !== undefined) steps.push(step(field, index));
    return new InvalidInputError([{ field: steps.length > 0 ? steps.join('.') : 'body', rule, value }]);
  }
}

function step(name: string, index: number): string {
  return index < 0 ? name : `${name}[${index}]`;
}
