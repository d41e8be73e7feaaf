import type { CachedAnswer } from './cached-answer.ts';
import type { NeutralWire } from './wire.ts';

/**
 * What wires may answer instead of a function that answers `T`. A cache that knows no type of its own answers with what
 * that function answered before.
 */
export type AnswerOf<Wires, T = unknown> = Wires extends readonly []
  ? never
  : Wires extends readonly NeutralWire<infer Answer>[]
    ? TypedAnswer<Answer, T>
    : never;

type TypedAnswer<Answer, T> =
  Answer extends CachedAnswer<infer Value> ? CachedAnswer<unknown extends Value ? T : Value> : Answer;
