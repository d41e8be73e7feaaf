import type { TripSettings } from '@switchgear/conventions';
import { COUNT_WINDOW_WORDS, CountWindow } from './count-window.ts';
import { TIME_WINDOW_WORDS, TimeWindow } from './time-window.ts';
import type { RingCounts, WindowCounts, WindowMemory } from './window-counts.ts';

const TIME = 0;
const SEEN = TIME + TIME_WINDOW_WORDS;
const CONSECUTIVE = SEEN + COUNT_WINDOW_WORDS;
/** Ms of the last judged failure, cut to a word; NEVER where there was none. */
const LAST_FAILURE = CONSECUTIVE + 1;
const NEVER = 0;
/** By how much a failure can come later than one that happened after it. */
const MOST_LATE_MS = 10_000;

/** Words of all the windows in the breaker's array, without the ring of the count window. */
export const WINDOW_WORDS = LAST_FAILURE + 1;

export interface JudgedCall {
  readonly failed: boolean;
  readonly slow: boolean;
  /** The mark under which it was counted as slow in flight; undefined where it was not. */
  readonly overdueMark: number | undefined;
}

/** What a breaker judges by: the calls of a time or of a count, the failures in a row, and when the last one was. */
export class CallWindow {
  readonly #memory: WindowMemory;
  readonly #offset: number;
  readonly #time: TimeWindow;
  #count: CountWindow | undefined;
  /** Failures in a row are counted where a rule asks for them. */
  #countsRuns: boolean;

  /** @param offset first of WINDOW_WORDS words */
  constructor(memory: WindowMemory, offset: number, trip: TripSettings) {
    this.#memory = memory;
    this.#offset = offset;
    this.#time = new TimeWindow(memory, offset + TIME, trip.windowMs);
    this.#count = this.#countWindowOf(trip.windowCalls);
    this.#countsRuns = trip.consecutive !== null;
  }

  /** Counts one executed call at `now` (ms, monotonic, from 0 on). */
  record(now: number, { failed, slow, overdueMark }: JudgedCall): void {
    if (overdueMark === undefined) this.#record(now, failed, slow);
    else if (failed) this.#recordFailureOfOverdue(now, overdueMark);
    if (this.#countsRuns) this.#countRun(failed);
  }

  /** Counts a quick success: `record` for nearly every call, without an object. */
  recordSuccess(now: number): void {
    this.#record(now, false, false);
    if (this.#countsRuns) this.#countRun(false);
  }

  /** Counts a call in flight as a slow one. Returns the mark to record its end under. */
  recordOverdue(now: number): number {
    return this.#record(now, false, true);
  }

  /**
   * Whether a failure at `now` comes too soon after the last judged one to be judged; if not, it is the last one now.
   * @param debounceMs at most a day
   */
  isDebounced(now: number, debounceMs: number): boolean {
    const { words } = this.#memory;
    const at = this.#offset + LAST_FAILURE;
    const stamp = (Math.floor(now) + 1) | 0 || 1;
    const last = Atomics.load(words, at);
    // Cut to a word, times wrap: their distance is compared, not their order. Of two threads, the one that ended its call
    // first may come second.
    const sinceLast = (stamp - last) | 0;
    if (last !== NEVER && sinceLast > -MOST_LATE_MS && sinceLast < debounceMs) return true;
    return Atomics.compareExchange(words, at, last, stamp) !== last;
  }

  counts(now: number): WindowCounts {
    const ring = this.#count ? this.#count.counts() : this.#time.counts(now);
    return { ...ring, consecutive: Atomics.load(this.#memory.words, this.#offset + CONSECUTIVE) };
  }

  /** Forgets everything: after a reset, the failures that tripped the breaker must not trip it again. */
  clear(): void {
    this.#time.clear();
    this.#count?.clear();
    Atomics.store(this.#memory.words, this.#offset + CONSECUTIVE, 0);
    Atomics.store(this.#memory.words, this.#offset + LAST_FAILURE, NEVER);
  }

  /** Takes note that another thread may have cleared it or changed its length. */
  lookAgain(): void {
    this.#time.lookAgain();
  }

  /** Changes its length or its kind, and keeps what it holds. For a count the array must have a ring. */
  resize({ windowMs, windowCalls, consecutive }: TripSettings, now: number): void {
    // Without the rule nobody counted: what is there is of an earlier time.
    if (consecutive !== null && !this.#countsRuns) Atomics.store(this.#memory.words, this.#offset + CONSECUTIVE, 0);
    this.#countsRuns = consecutive !== null;
    const isCount = this.#count !== undefined;
    if (windowCalls !== null && this.#count) this.#count.resize(windowCalls);
    else if ((windowCalls !== null) !== isCount) this.#changeKind(windowCalls, now);
    this.#time.resize(windowMs, now);
  }

  /** Takes note that another thread has changed its length or its kind. */
  follow({ windowCalls, consecutive }: TripSettings): void {
    this.#countsRuns = consecutive !== null;
    this.#count = this.#countWindowOf(windowCalls);
  }

  /** Takes up counts of another process. */
  restore({ consecutive, ...ring }: WindowCounts, now: number): void {
    this.#restoreRing(ring, now);
    Atomics.store(this.#memory.words, this.#offset + CONSECUTIVE, consecutive);
  }

  #record(now: number, failed: boolean, slow: boolean): number {
    if (this.#count) return this.#count.record(failed, slow);
    this.#time.record(now, failed, slow);
    return 0;
  }

  #recordFailureOfOverdue(now: number, mark: number): void {
    if (this.#count) this.#count.recordFailureOfOverdue(mark);
    else this.#time.recordFailureOfOverdue(now);
  }

  #countRun(failed: boolean): void {
    const { words } = this.#memory;
    const at = this.#offset + CONSECUTIVE;
    if (failed) Atomics.add(words, at, 1);
    else if (Atomics.load(words, at) !== 0) Atomics.store(words, at, 0);
  }

  #changeKind(windowCalls: number | null, now: number): void {
    const held = this.counts(now);
    this.#count?.clear();
    this.#time.clear();
    this.#count = this.#countWindowOf(windowCalls);
    this.#count?.clear();
    this.#restoreRing(held, now);
  }

  #restoreRing(ring: RingCounts, now: number): void {
    if (this.#count) this.#count.restore(ring);
    else this.#time.restore(ring, now);
  }

  #countWindowOf(windowCalls: number | null): CountWindow | undefined {
    if (windowCalls === null) return undefined;
    return new CountWindow(this.#memory, this.#offset + SEEN, windowCalls);
  }
}
