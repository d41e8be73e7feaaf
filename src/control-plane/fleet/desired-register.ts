import type { Override } from '@switchgear/conventions';
import type { Desired } from './breaker-view.ts';

/**
 * What the control plane wants of each breaker, as far as views show it; also of breakers that are not known.
 *
 * Memory: about 0.3 KB each. There are as many as the store has records of desired state, which operators make.
 */
export class DesiredRegister {
  readonly #byService = new Map<string, Map<string, Desired>>();
  #expiredUntil: number;

  /** @param now overrides that expired before are not told of. */
  constructor(now: number) {
    this.#expiredUntil = now;
  }

  get(service: string, breaker: string): Desired | null {
    return this.#byService.get(service)?.get(breaker) ?? null;
  }

  set(service: string, breaker: string, desired: { revision: number; override: Override | null } | null): void {
    const ofService = this.#byService.get(service) ?? new Map<string, Desired>();
    if (desired) {
      ofService.set(breaker, { ...desired });
      this.#byService.set(service, ofService);
    } else {
      ofService.delete(breaker);
      if (ofService.size === 0) this.#byService.delete(service);
    }
  }

  /** The breakers whose override expired since the last time it was asked. */
  expired(now: number): { service: string; breaker: string }[] {
    const found: { service: string; breaker: string }[] = [];
    for (const [service, breakers] of this.#byService)
      for (const [breaker, { override }] of breakers) {
        const expiresAt = override === null ? Number.NaN : Date.parse(override.expiresAt);
        if (expiresAt > this.#expiredUntil && expiresAt <= now) found.push({ service, breaker });
      }
    this.#expiredUntil = now;
    return found;
  }
}
