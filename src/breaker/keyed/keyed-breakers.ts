import {
  type BreakerSettings,
  breakerName,
  InvalidInputError,
  type SettingsPatch,
  text,
} from '@switchgear/conventions';
import type { Breaker } from '../breaker.ts';
import type { CloseOptions } from '../close-options.ts';
import { settingsWith } from '../core.ts';
import { BreakerClosedDownError } from '../errors.ts';
import type { NeutralWire } from '../neutral/wire.ts';
import { type BreakerDefinition, type ValidDefinition, validateDefinition } from '../options.ts';
import { addBreaker, addGroup, isNameTaken, removeBreaker, removeGroup } from '../registry.ts';
import { type BreakerStats, readStats } from '../stats.ts';
import { observerFor } from '../telemetry/choose.ts';
import { IsolatedObserver } from '../telemetry/isolated-observer.ts';
import { EvictionOrder } from './eviction-order.ts';
import { GroupObserver } from './group-observer.ts';
import { GroupReadings } from './group-readings.ts';
import { type Group, KeyedBreaker } from './keyed-breaker.ts';
import { type KeyedBreakersOptions, type ValidKeyedOptions, validateKeyedOptions } from './keyed-options.ts';

/** Most names of wires in a group: each has series of its own. */
const MOST_WIRE_NAMES = 16;

const checkKey = text(1, 120);

/**
 * Makes a group of breakers of one kind, one for each key: a tenant, a host, a partition. Each is made when it is first
 * asked for. There are never more than `maxBreakers`, and what nobody asks for in `idleMs` goes. Its memory is at most
 * about 3 KiB for each of `maxBreakers`, and as much again while evicted breakers have calls in flight; to this comes what
 * its wires hold.
 * @param name 1 to 120 characters, unique among the breakers and groups of the process
 * @throws InvalidInputError naming each option that breaks its rule
 */
export function keyedBreakers<const Wires extends readonly NeutralWire[] = readonly []>(
  name: string,
  options: KeyedBreakersOptions<Wires> = {},
): KeyedBreakers<Wires> {
  const breakers = new KeyedBreakers<Wires>(name, validateKeyedOptions(name, options));
  addGroup(name, breakers);
  return breakers;
}

/** Breakers by key. Made by `keyedBreakers`. */
export class KeyedBreakers<Wires extends readonly NeutralWire[] = readonly NeutralWire[]> {
  readonly name: string;
  readonly #options: ValidKeyedOptions<Wires>;
  readonly #members = new Map<string, KeyedBreaker<Wires>>();
  readonly #order: EvictionOrder<KeyedBreaker<Wires>>;
  readonly #readings: GroupReadings;
  /** Hears of the group, where its breakers have no series of their own. */
  readonly #observer: IsolatedObserver;
  /** Of each breaker. */
  readonly #telemetry: ValidKeyedOptions<Wires>['telemetry'];
  /** What the breakers ask of it. */
  readonly #group: Group<KeyedBreaker<Wires>>;
  /** What the group is by itself, and what was laid over its settings. */
  #own: ValidDefinition;
  #patch: SettingsPatch | undefined = undefined;
  #settings: BreakerSettings;
  #isClosed = false;

  constructor(name: string, options: ValidKeyedOptions<Wires>) {
    this.name = name;
    this.#options = options;
    this.#own = options;
    this.#settings = options.settings;
    this.#order = new EvictionOrder(options.idleMs);
    this.#readings = new GroupReadings({
      name,
      clock: options.clock,
      callSpans: options.callSpans,
      mostEvicted: options.maxBreakers,
      settings: () => this.#settings,
      present: () => this.#members.values(),
      tidy: () => this.#tidy(),
    });
    const observer = observerFor(options.telemetry);
    this.#observer = new IsolatedObserver(options.seriesPerKey ? undefined : observer, this.#readings);
    this.#telemetry = options.seriesPerKey || !observer ? options.telemetry : new GroupObserver(observer);
    this.#group = {
      used: (member) => this.#used(member),
      usedAfterEviction: (member) => this.#readings.askAgain(member),
      closing: (member) => {
        if (this.#remove(member)) this.#readings.departed(member);
      },
    };
    this.#observer.added();
  }

  /** Breakers there are now. */
  get size(): number {
    this.#tidy();
    return this.#members.size;
  }

  /** The keys that have a breaker now. */
  keys(): readonly string[] {
    this.#tidy();
    return [...this.#members.keys()];
  }

  /** What all breakers together have counted since the group was made, those that were evicted too. */
  stats(): BreakerStats {
    return readStats(this.#readings.atOnce());
  }

  /**
   * The breaker of a key, made if there is none. Ask anew for each call: one that is kept longer may be evicted meanwhile.
   * It then goes on for whoever has it, but without its wires and apart from the one that `get` makes.
   * @param key 1 to 120 characters
   * @throws InvalidInputError for another key, or where `neutralWires` makes what breaks a rule; BreakerClosedDownError
   *   after `close`
   */
  get(key: string): Breaker<Wires> {
    const now = this.#options.clock.monotonicMs();
    const over = this.#order.nextOver(now);
    if (over) this.#evict(over);
    const member = this.#members.get(key);
    if (member) {
      if (!this.#order.isOver(member, now)) {
        this.#order.touch(member, now);
        return member;
      }
      this.#evict(member);
    }
    return this.#make(key, now);
  }

  /**
   * Lays new settings over those the group was made with, for the breakers there are and those to come; `undefined` takes
   * them off. What was laid over one breaker by its own `configure` stays on top.
   * @throws InvalidInputError where what results breaks a rule; nothing changes then
   */
  configure(patch: SettingsPatch | undefined): void {
    this.#enforce(this.#own, patch);
  }

  /**
   * Puts other settings and another mode in force, as `redefine` of a breaker does, for the breakers there are and those to
   * come. One that was redefined for itself stays as it is.
   * @throws InvalidInputError where what results breaks a rule; nothing changes then
   */
  redefine(definition: BreakerDefinition): void {
    this.#enforce(validateDefinition(definition), this.#patch);
  }

  /** Closes all breakers, as `close` of each does, and ends the group's series. Its name is free then. */
  async close({ drainForMs = 0, lastLook }: CloseOptions = {}): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#members.values()].map((member) => member.close({ drainForMs })));
    await lastLook?.();
    removeGroup(this.name);
    this.#observer.removed();
  }

  #enforce(own: ValidDefinition, patch: SettingsPatch | undefined): void {
    const settings = settingsWith(own.settings, patch);
    const members = [...this.#members.values()];
    for (const member of members) member.checkUnder(settings);
    this.#own = own;
    this.#patch = patch;
    this.#settings = settings;
    for (const member of members) member.follow(settings, own.mode);
  }

  #make(key: string, now: number): KeyedBreaker<Wires> {
    if (this.#isClosed) throw new BreakerClosedDownError(this.name);
    const { seriesPerKey, maxBreakers, wiresOf, each } = this.#options;
    const name = seriesPerKey ? `${this.name}/${key}` : this.name;
    this.#checkKey(key, name);
    const neutralWires = wiresOf?.(key);
    this.#checkWireNames(neutralWires);
    const { mode } = this.#own;
    const own = { ...each, ...this.#settings, mode, telemetry: this.#telemetry };
    const options = { ...own, ...(neutralWires && { neutralWires }) };
    const member = new KeyedBreaker<Wires>(name, key, options, this.#group, seriesPerKey ? undefined : this.#readings);
    while (this.#members.size >= maxBreakers) this.#evict(this.#order.victim(now));
    const other = this.#members.get(key);
    if (other) {
      // Somebody who heard of an eviction asked for the same key.
      void member.close();
      return other;
    }
    this.#members.set(key, member);
    this.#order.add(member, now);
    this.#readings.expectWires(member.neutralWires);
    if (seriesPerKey) addBreaker(member as unknown as Breaker);
    return member;
  }

  /** A call counts as asking. */
  #used(member: KeyedBreaker<Wires>): void {
    if (this.#members.get(member.key) === member) this.#order.touch(member, this.#options.clock.monotonicMs());
  }

  #checkKey(key: string, name: string): void {
    const problems = checkKey(key, 'key');
    if (problems.length === 0 && this.#options.seriesPerKey) {
      for (const { rule } of breakerName(name, 'key')) {
        problems.push({
          field: 'key',
          rule: `makes a breaker's name with "${this.name}/" before it, which ${rule}`,
          value: key,
        });
      }
      if (isNameTaken(name)) {
        problems.push({ field: 'key', rule: `must not make the name of another breaker, "${name}"`, value: key });
      }
    }
    if (problems.length > 0) throw new InvalidInputError(problems);
  }

  #checkWireNames(wires: Wires | undefined): void {
    if (!Array.isArray(wires)) return;
    const names = new Set([...this.#readings.wireNames, ...wires.map((wire?: Partial<NeutralWire>) => wire?.name)]);
    if (names.size <= MOST_WIRE_NAMES) return;
    const rule = `must use at most ${MOST_WIRE_NAMES} names of wires for all keys together`;
    throw new InvalidInputError([{ field: 'neutralWires', rule, value: [...names] }]);
  }

  /** Evicts those that are over. */
  #tidy(): void {
    for (const member of this.#order.allOver(this.#options.clock.monotonicMs())) this.#evict(member);
  }

  #evict(member: KeyedBreaker<Wires> | undefined): void {
    if (!member || !this.#remove(member)) return;
    // Before it is counted for the last time: what its wires drop is counted.
    member.evict();
    this.#readings.departed(member);
    if (this.#options.seriesPerKey) {
      new IsolatedObserver(observerFor(this.#options.telemetry), member.readings).removed();
    }
  }

  /** Returns false where it was gone already. */
  #remove(member: KeyedBreaker<Wires>): boolean {
    if (this.#members.get(member.key) !== member) return false;
    this.#members.delete(member.key);
    this.#order.remove(member);
    if (this.#options.seriesPerKey) removeBreaker(member.name);
    return true;
  }
}
