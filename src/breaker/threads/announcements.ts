import { BroadcastChannel } from 'node:worker_threads';
import type { Announcement, Publisher } from '../publisher.ts';

/** How the threads of a breaker tell each other what was decided. It keeps no process alive. */
export class Announcements {
  readonly #channel: BroadcastChannel;

  constructor(channel: string, publisher: Publisher) {
    this.#channel = new BroadcastChannel(channel);
    this.#channel.unref();
    this.#channel.onmessage = (message: unknown) => publisher.hear((message as { data: Announcement }).data);
    publisher.announceTo((announcement) => this.#channel.postMessage(announcement));
  }

  close(): void {
    this.#channel.close();
  }
}
