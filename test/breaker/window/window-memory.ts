import { WINDOW_WORDS } from '../../../src/breaker/window/call-window.ts';
import { RING_WORDS } from '../../../src/breaker/window/count-window.ts';
import type { WindowMemory } from '../../../src/breaker/window/window-counts.ts';

/** Words before the windows, which nothing of theirs may touch, and behind the ring as well. */
const MARGIN = 3;
const SENTINEL = 0x5ca1ab1e | 0;

export interface TestMemory extends WindowMemory {
  /** First word of the windows. */
  readonly offset: number;
  /** Whether every word around the windows is as it was. */
  readonly isWhole: () => boolean;
}

/** Memory for the windows of one breaker, with margins that show a word written out of bounds. */
export function windowMemory({ isShared = false } = {}): TestMemory {
  const ring = MARGIN + WINDOW_WORDS;
  const end = ring + RING_WORDS;
  const words = new Int32Array(new SharedArrayBuffer((end + MARGIN) * Int32Array.BYTES_PER_ELEMENT));
  const margins = [...Array(MARGIN).keys()].flatMap((word) => [word, end + word]);
  for (const word of margins) words[word] = SENTINEL;
  return { words, ring, isShared, offset: MARGIN, isWhole: () => margins.every((word) => words[word] === SENTINEL) };
}
