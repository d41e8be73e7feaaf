import { GRPC_STATUSES, type GrpcStatusName } from '@switchgear/conventions';
import type { ErrorSigns } from './error-signs.ts';
import type { OutcomeCodes } from './outcome-codes.ts';

const MOST_STATUS = 599;

/** A list of codes, ready to be asked. The codes have been checked. */
export class CodeMatcher {
  /** 1 at each status that is in the list. */
  readonly #statuses = new Uint8Array(MOST_STATUS + 1);
  readonly #words = new Set<string>();
  readonly #beginnings: string[] = [];
  readonly #grpc = new Set<number>();
  #takesWhatIsNoAnswer = false;
  readonly isEmpty: boolean;

  constructor({ statuses = [], errors = [], grpc = [] }: OutcomeCodes) {
    for (const status of statuses) this.#addStatus(String(status));
    for (const code of errors) this.#addError(code);
    for (const status of grpc) {
      this.#grpc.add(typeof status === 'number' ? status : GRPC_STATUSES.indexOf(status as GrpcStatusName));
    }
    this.isEmpty = statuses.length + errors.length + grpc.length === 0;
  }

  hasStatus(status: number): boolean {
    return this.#statuses[status] === 1;
  }

  hasError({ statuses, grpc, words, isAnswer }: ErrorSigns): boolean {
    return (
      (this.#takesWhatIsNoAnswer && !isAnswer) ||
      statuses.some((status) => this.hasStatus(status)) ||
      grpc.some((status) => this.#grpc.has(status)) ||
      words.some((word) => this.#hasWord(word))
    );
  }

  #hasWord(word: string): boolean {
    return this.#words.has(word) || this.#beginnings.some((beginning) => word.startsWith(beginning));
  }

  #addStatus(code: string): void {
    const [first, last] = statusRange(code);
    this.#statuses.fill(1, first, last + 1);
  }

  #addError(code: string): void {
    if (code === '*') this.#takesWhatIsNoAnswer = true;
    else if (code.endsWith('*')) this.#beginnings.push(code.slice(0, -1));
    else this.#words.add(code);
  }
}

function statusRange(code: string): [number, number] {
  if (code.endsWith('xx')) return [Number(code[0]) * 100, Number(code[0]) * 100 + 99];
  const [first, last = first] = code.split('-');
  return [Number(first), Number(last)];
}
