import { runChild } from '../child-process.ts';
import type { Measurement, Unit } from '../measurement.ts';
import { median } from '../median.ts';
import type { Population } from '../population.ts';

const OWN = 'switchgear';
const PEERS = ['cockatiel', 'opossum', 'mollitia'] as const;
const ROUNDS = 3;

/** What 10,000 breakers cost that have nothing to do, each kind in new processes. */
export async function idle(): Promise<Measurement[]> {
  const kinds = [OWN, ...PEERS];
  const populations = new Map(kinds.map((kind) => [kind, [] as Population[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of kinds) {
      const population = await runChild<Population>(new URL('../population.ts', import.meta.url), [kind]);
      populations.get(kind)!.push(population);
    }
  }
  const measure = (name: string, what: string, unit: Unit, read: (population: Population) => number): Measurement => {
    const of = (kind: string) => median(populations.get(kind)!.map(read));
    return { name, what, unit, figure: of(OWN), peers: Object.fromEntries(PEERS.map((peer) => [peer, of(peer)])) };
  };
  return [
    measure('idle-new', 'memory of a breaker, never called', 'B', ({ newBytes }) => newBytes),
    measure('idle-called', 'memory of a breaker, called once', 'B', ({ calledBytes }) => calledBytes),
    measure('idle-resident', 'the same, as resident memory of the process', 'B', ({ residentBytes }) => residentBytes),
    measure('creation', '10,000 breakers created', 'ms', ({ creationMs }) => creationMs),
  ];
}
