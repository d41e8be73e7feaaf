import type { ChooseBreaker, OutgoingCall } from '@switchgear/adapters/outgoing';
import type { Breaker } from '@switchgear/breaker';
import { type BreakerConfig, NO_BREAKER, type ServiceConfig, type UnmatchedConfig } from '@switchgear/service-config';
import { FileBreaker, type FileDefaults } from './file-breaker.ts';
import { compileRules, type MatchRules } from './rule-matcher.ts';

export interface GuardedBreakersOptions {
  /** Told in one line what could not be done as the file says. */
  readonly tell: (line: string) => void;
  /** Origins that are never guarded: where the service's own telemetry and control plane are. */
  readonly ownOrigins: ReadonlySet<string>;
}

const DEFAULT_MOST_ORIGINS = 50;

/** The breakers of a configuration, and which call each of them guards. */
export class GuardedBreakers {
  readonly #options: GuardedBreakersOptions;
  readonly #named = new Map<string, FileBreaker>();
  /** By host: breakers of calls that no rule matches. */
  readonly #byHost = new Map<string, FileBreaker>();
  #match: MatchRules = () => undefined;
  #unmatched: UnmatchedConfig | null = null;
  #defaults: FileDefaults = { mode: 'auto', callSpans: 'failures' };
  #toldOfMost = false;

  constructor(options: GuardedBreakersOptions) {
    this.#options = options;
  }

  /** The breaker of a call; undefined where it is left alone. */
  readonly choose: ChooseBreaker = (call) => {
    if (this.#options.ownOrigins.has(call.origin)) return undefined;
    const name = this.#match(call);
    if (name !== undefined) return this.#named.get(name)?.breaker;
    return this.#unmatched === null ? undefined : this.#breakerOf(call, this.#unmatched);
  };

  /** Brings the breakers to what the configuration says. What cannot be done is told, and the rest is done. */
  apply(config: ServiceConfig): void {
    const { breakers = {}, rules = [], unmatched = {}, mode = 'auto', telemetry } = config;
    this.#defaults = { mode, callSpans: telemetry?.callSpans ?? 'failures' };
    for (const [name, breaker] of Object.entries(breakers)) this.#bring(name, breaker);
    for (const [name, breaker] of this.#named) {
      if (!Object.hasOwn(breakers, name)) this.#retire(name, breaker);
    }
    this.#match = compileRules(rules);
    this.#unmatched = unmatched === NO_BREAKER ? null : unmatched;
    for (const [host, breaker] of this.#byHost) {
      this.#attempt(host, () => {
        if (this.#unmatched) breaker.apply(this.#unmatched, this.#defaultsOfUnmatched());
        else breaker.retire();
      });
    }
  }

  #retire(name: string, breaker: FileBreaker): void {
    this.#attempt(name, () => {
      // By mistake or not, calls that were guarded are not any more.
      if (breaker.retire())
        this.#options.tell(`Breaker "${name}" is not in the file any more; it lets all calls through`);
    });
  }

  #bring(name: string, config: BreakerConfig): void {
    this.#attempt(name, () => {
      const there = this.#named.get(name);
      if (!there) this.#named.set(name, new FileBreaker(name, config, this.#defaults));
      else if (!there.apply(config, this.#defaults)) {
        this.#options.tell(`The wires or spans of breaker "${name}" changed; they take effect at the next start`);
      }
    });
  }

  #breakerOf(call: OutgoingCall, config: UnmatchedConfig): Breaker | undefined {
    const host = hostName(call);
    const there = this.#byHost.get(host);
    if (there) return there.breaker;
    if (this.#byHost.size >= (config.maxOrigins ?? DEFAULT_MOST_ORIGINS)) {
      if (!this.#toldOfMost) {
        this.#toldOfMost = true;
        this.#options.tell(
          `There are breakers for ${this.#byHost.size} hosts; calls to "${host}" and further ones have none (unmatched.maxOrigins)`,
        );
      }
      return undefined;
    }
    // A breaker of the file, or of the service's own code, may have the name; calls to this host then stay as they are.
    this.#attempt(host, () => this.#byHost.set(host, new FileBreaker(host, config, this.#defaultsOfUnmatched())));
    return this.#byHost.get(host)?.breaker;
  }

  /** Nobody has asked for them, so they only look on unless told otherwise. */
  #defaultsOfUnmatched(): FileDefaults {
    return { ...this.#defaults, mode: 'shadow' };
  }

  #attempt(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.tell(`Breaker "${name}": ${(error as Error).message}`);
    }
  }
}

/** A host may have a database beside its web server. */
function hostName({ origin, host }: OutgoingCall): string {
  return /^https?:/.test(origin) ? host : origin;
}
