import { BroadcastChannel } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { outside } from '../outside.ts';
import type { Announcement, Publisher } from '../publisher.ts';

/** Milliseconds for which an announcement waits for an earlier one: its thread may have ended before it could tell. */
const LONGEST_WAIT_MS = 100;

/**
 * How the threads of a breaker tell each other what was decided. Each publishes in the order of the generations, whoever
 * decided them: nobody hears that it closed before he heard that it opened. It keeps no process alive.
 */
export class Announcements {
  readonly #channel: BroadcastChannel;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  /** The generation that was published last. */
  #published: number;
  /** Those that came too early, by generation. */
  readonly #waiting = new Map<number, Announcement>();
  #isTimed = false;

  /** @param generation the one in force now: what comes after it is told */
  constructor(channel: string, publisher: Publisher, clock: Clock, generation: number) {
    this.#publisher = publisher;
    this.#clock = clock;
    this.#published = generation;
    this.#channel = new BroadcastChannel(channel);
    this.#channel.unref();
    this.#channel.onmessage = (message: unknown) => this.#take((message as { data: Announcement }).data);
    publisher.shareBy((announcement) => {
      this.#channel.postMessage(announcement);
      this.#take(announcement);
    });
  }

  close(): void {
    this.#channel.close();
  }

  #take(announcement: Announcement): void {
    const { generation } = announcement.record;
    if (announcement.kind === 'shadow_trip' || generation <= this.#published + 1) {
      this.#publish(announcement);
      return;
    }
    this.#waiting.set(generation, announcement);
    if (this.#isTimed) return;
    this.#isTimed = true;
    outside(() => this.#clock.timer(LONGEST_WAIT_MS, () => this.#publishAll()));
  }

  #publish(announcement: Announcement): void {
    if (announcement.kind === 'transition') this.#published = Math.max(this.#published, announcement.record.generation);
    this.#publisher.hear(announcement);
    const next = this.#waiting.get(this.#published + 1);
    if (!next) return;
    this.#waiting.delete(this.#published + 1);
    this.#publish(next);
  }

  #publishAll(): void {
    this.#isTimed = false;
    const waiting = [...this.#waiting.values()].sort((left, right) => left.record.generation - right.record.generation);
    this.#waiting.clear();
    for (const announcement of waiting) this.#publish(announcement);
  }
}
