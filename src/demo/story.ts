import type { WireStats } from '@switchgear/breaker';
import type { BreakerReport, ServiceMessage, ServiceName } from './messages.ts';
import type { Tone } from './narrator.ts';

type Transition = Extract<ServiceMessage, { type: 'transition' }>;

const REASONS: Readonly<Record<string, string>> = {
  threshold: 'half of its calls failed',
  slow: 'half of its calls were slow',
  consecutive: 'too many of its calls failed in a row',
  probe_failed: 'a probe failed',
  probes_passed: 'its probes passed',
  operator: 'by hand',
  desired_state: 'the control plane asked for it',
};

interface Episode {
  readonly beganAt: number;
  /** Calls its wires had taken when it tripped. */
  readonly takenBefore: number;
  probesFailed: number;
}

interface Held {
  readonly replayedBefore: number;
  highest: number;
}

/** Turns what the services report into sentences: a trip, a reset with what was diverted meanwhile, a drain. */
export class Story {
  readonly #tell: (text: string, tone: Tone) => void;
  readonly #now: () => number;
  readonly #episodes = new Map<string, Episode>();
  readonly #held = new Map<string, Held>();
  readonly #latest = new Map<string, readonly WireStats[]>();

  constructor(tell: (text: string, tone: Tone) => void, now: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#now = now;
  }

  transition(service: ServiceName, { breaker, from, to, reason }: Transition): void {
    const name = `${service} → ${breaker}`;
    const episode = this.#episodes.get(name);
    const why = REASONS[reason] ?? reason;
    if (to === 'open' && !episode) {
      this.#episodes.set(name, { beganAt: this.#now(), takenBefore: taken(this.#latest.get(name)), probesFailed: 0 });
      this.#tell(`TRIP   ${name}: ${why}`, 'bad');
    } else if (to === 'open' && episode) {
      episode.probesFailed += 1;
    } else if (to === 'closed' && episode) {
      this.#episodes.delete(name);
      this.#tell(`RESET  ${name}: ${why}${this.#told(name, episode)}`, 'good');
    } else if (to !== 'half_open' || from !== 'open') {
      this.#tell(`       ${name}: ${from} → ${to}, ${why}`, 'warn');
    }
  }

  stats(service: ServiceName, breakers: readonly BreakerReport[]): void {
    for (const { breaker, stats } of breakers) {
      const name = `${service} → ${breaker}`;
      this.#latest.set(name, stats.wires);
      for (const wire of stats.wires) this.#drain(name, wire);
    }
  }

  #told(name: string, { beganAt, takenBefore, probesFailed }: Episode): string {
    const seconds = ((this.#now() - beganAt) / 1_000).toFixed(1);
    const wires = this.#latest.get(name) ?? [];
    const diverted = wires.length > 0 ? `, ${taken(wires) - takenBefore} calls over ${wireNames(wires)}` : '';
    const failed = probesFailed > 0 ? `, ${probesFailed} failed ${probesFailed === 1 ? 'probe' : 'probes'}` : '';
    return ` after ${seconds} s${diverted}${failed}`;
  }

  #drain(name: string, wire: WireStats): void {
    const key = `${name} ${wire.name}`;
    const held = this.#held.get(key);
    if (wire.depth > 0) {
      if (held) held.highest = Math.max(held.highest, wire.depth);
      else this.#held.set(key, { replayedBefore: wire.replayed, highest: wire.depth });
    } else if (held) {
      this.#held.delete(key);
      const replayed = wire.replayed - held.replayedBefore;
      this.#tell(
        `DRAIN  ${name}: wire "${wire.name}" is empty, ${replayed} calls replayed (${held.highest} held at most)`,
        'good',
      );
    }
  }
}

/** Calls that wires took. */
function taken(wires: readonly WireStats[] | undefined): number {
  return (wires ?? []).reduce((sum, wire) => sum + wire.served + wire.buffered, 0);
}

function wireNames(wires: readonly WireStats[]): string {
  return wires.map((wire) => `wire "${wire.name}"`).join(', ');
}
