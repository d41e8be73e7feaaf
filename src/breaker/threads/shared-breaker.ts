import { randomUUID } from 'node:crypto';
import type { BreakerSettings } from '@switchgear/conventions';
import type { BreakerParts } from '../breaker-face.ts';
import { processMs } from '../clock.ts';
import { moveToSharedMemory } from '../memory/layout.ts';
import { SharedSettings } from '../memory/shared-settings.ts';
import type { AttachedWire } from '../neutral/divert.ts';
import { Announcements } from './announcements.ts';
import type { BreakerHandle } from './breaker-handle.ts';

/** The owner's side of a breaker that threads share. */
export class SharedBreaker {
  readonly handle: BreakerHandle;
  readonly #settings = new SharedSettings();
  readonly #announcements: Announcements;

  constructor({ core, publisher, readings }: BreakerParts, wires: readonly AttachedWire[]) {
    this.#settings.write(core.settings);
    this.handle = {
      kind: 'switchgear.breaker-handle/v1',
      name: readings.name,
      numbers: moveToSharedMemory(core.cells),
      settings: this.#settings.buffer,
      wires: wires.map(({ wire, counters }) => ({ name: wire.name, counters: counters.share() })),
      madeAt: processMs(core.clock) - core.now(),
      channel: `switchgear.breaker.${randomUUID()}`,
    };
    this.#announcements = new Announcements(this.handle.channel, publisher, core.clock, core.generation);
  }

  publishSettings(settings: BreakerSettings): void {
    this.#settings.write(settings);
  }

  close(): void {
    this.#announcements.close();
  }
}
