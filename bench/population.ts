import { setImmediate } from 'node:timers/promises';
import { createBreaker } from '@switchgear/breaker';
import type { Circuit } from 'mollitia';
import CircuitBreaker from 'opossum';
import { report } from './child-process.ts';
import { answer, cockatielBreaker, mollitiaCircuit } from './peers.ts';

/** What a breaker of 10,000 costs. */
export interface Population {
  /** For all of them, from a process that has made none before. */
  readonly creationMs: number;
  /** Of one, beyond its name; code that was compiled for them included. */
  readonly newBytes: number;
  readonly calledBytes: number;
  readonly residentBytes: number;
}

interface Kind<Breaker> {
  readonly make: (name: string) => Breaker;
  readonly call: (breaker: Breaker) => Promise<unknown>;
}

const BREAKERS = 10_000;

/** The program that makes one kind of breaker, named as its argument. */
switch (process.argv[2]) {
  case 'switchgear':
    await populate({ make: (name) => createBreaker(name), call: (breaker) => breaker.execute(answer) });
    break;
  case 'cockatiel':
    await populate({ make: cockatielBreaker, call: (policy) => policy.execute(answer) });
    break;
  case 'opossum':
    await populate({ make: (name) => new CircuitBreaker(answer, { name }), call: (breaker) => breaker.fire() });
    break;
  case 'mollitia':
    await populate<Circuit>({ make: () => mollitiaCircuit(answer), call: (circuit) => circuit.execute() });
    break;
  default:
    throw new Error(`no kind of breaker is called ${process.argv[2]}`);
}

async function populate<Breaker>({ make, call }: Kind<Breaker>): Promise<void> {
  const names = Array.from({ length: BREAKERS }, (_, index) => `breaker-${String(index).padStart(5, '0')}`);
  const breakers = new Array<Breaker>(BREAKERS);
  const before = await memory();
  const began = performance.now();
  for (let index = 0; index < BREAKERS; index++) breakers[index] = make(names[index]!);
  const creationMs = performance.now() - began;
  const created = await memory();
  for (const breaker of breakers) await call(breaker);
  const called = await memory();
  // Without a use down here the last collection could take them.
  if (breakers.length !== BREAKERS) throw new Error('not all breakers are there');
  report({
    creationMs,
    newBytes: bytesOfOne(before, created),
    calledBytes: bytesOfOne(before, called),
    residentBytes: (called.rss - before.rss) / BREAKERS,
  } satisfies Population);
}

async function memory(): Promise<NodeJS.MemoryUsage> {
  // More than once: what a first collection finalizes is free only for the next.
  for (let times = 0; times < 4; times++) {
    globalThis.gc!();
    await setImmediate();
  }
  return process.memoryUsage();
}

function bytesOfOne(before: NodeJS.MemoryUsage, after: NodeJS.MemoryUsage): number {
  const grown = (part: keyof NodeJS.MemoryUsage) => after[part] - before[part];
  // `external` has the array buffers in it, but not the shared ones; `arrayBuffers` has both.
  return (grown('heapUsed') + Math.max(grown('external'), grown('arrayBuffers'))) / BREAKERS;
}
