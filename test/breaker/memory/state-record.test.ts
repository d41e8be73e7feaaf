import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lease, type MachineState, MOST_LEASES } from '../../../src/breaker/machine/state.ts';
import { Cells } from '../../../src/breaker/memory/cells.ts';
import { RECORD_WORDS, readState, writeState } from '../../../src/breaker/memory/state-record.ts';
import { runs } from '../../property/runs.ts';

const NO_SECTIONS = { failures: undefined, ring: undefined };

const word = fc.integer({ min: 0, max: 2 ** 31 - 1 });
/** Any time a clock can show, to its last bit. */
const time = fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true, noDefaultInfinity: true });
const common = { generation: word, since: time };

const leases: fc.Arbitrary<Lease[]> = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 0, max: MOST_LEASES - 1 }), deadline: time }), {
    selector: ({ id }) => id,
    maxLength: MOST_LEASES,
    size: 'max',
  })
  .map(byId);

const anyState: fc.Arbitrary<MachineState> = fc.oneof(
  fc.record({ kind: fc.constant('closed' as const), ...common }),
  fc.record({ kind: fc.constant('open' as const), ...common, reopenings: word, until: time }),
  fc.record({
    kind: fc.constant('half_open' as const),
    ...common,
    reopenings: word,
    good: word,
    leases,
    step: word,
    stepSince: time,
    offered: word,
    admitted: word,
    executed: word,
    failed: word,
    slow: word,
  }),
  fc.record({ kind: fc.constantFrom('forced_open' as const, 'disabled' as const), ...common }),
  fc.record({ kind: fc.constant('shadow' as const), ...common, quietUntil: time }),
);

test('every state comes back as it was written, over whatever the record held before', () => {
  const offset = 3;
  const cells = new Cells(new Int32Array(offset + RECORD_WORDS + 2).fill(7), NO_SECTIONS);
  fc.assert(
    fc.property(anyState, (state) => {
      writeState(cells, offset, state);
      expect(readState(cells, offset)).toEqual(state);
    }),
    { numRuns: runs(2_000) },
  );
  expect([...cells.words.slice(0, offset), ...cells.words.slice(-2)]).toEqual(Array(5).fill(7));
});

test('sixteen probes are kept with their deadlines, and all others are forgotten', () => {
  const cells = new Cells(new Int32Array(RECORD_WORDS), NO_SECTIONS);
  const all = Array.from({ length: MOST_LEASES }, (_, id) => ({ id, deadline: 1_000.5 + id / 3 }));
  const probing = {
    kind: 'half_open' as const,
    ...{ generation: 2, since: 0.25, reopenings: 1, good: 4, step: 0, stepSince: 0.25 },
    ...{ offered: 0, admitted: 0, executed: 0, failed: 0, slow: 0 },
  };
  writeState(cells, 0, { ...probing, leases: all });
  expect(readState(cells, 0)).toEqual({ ...probing, leases: all });
  writeState(cells, 0, { ...probing, leases: [all[15]!, all[2]!] });
  expect(readState(cells, 0)).toEqual({ ...probing, leases: [all[2], all[15]] });
});

/** Which probe was let through first is nothing that a state knows. */
function byId(unordered: Lease[]): Lease[] {
  return [...unordered].sort((one, other) => one.id - other.id);
}
