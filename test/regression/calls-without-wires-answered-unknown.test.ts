import { expectTypeOf, test } from 'vitest';
import type { AnswerOf, NeutralWire, Receipt } from '../../src/breaker/index.ts';

/** An empty list of wires infers `unknown` for their answer, which swallowed the type of every call's own result. */
test('no wires answer nothing, so a call has the type of its function', () => {
  expectTypeOf<AnswerOf<readonly []>>().toEqualTypeOf<never>();
  expectTypeOf<AnswerOf<readonly [NeutralWire<string>, NeutralWire<Receipt>]>>().toEqualTypeOf<string | Receipt>();
});
