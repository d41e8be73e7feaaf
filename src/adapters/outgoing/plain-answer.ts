import { isCached } from '@switchgear/breaker';

/** What a client's caller gets of an answer: the result itself where a cache wire gave it, since a client has no word for a stale one. */
export function plainAnswer(answer: unknown): unknown {
  return isCached(answer) ? answer.value : answer;
}
