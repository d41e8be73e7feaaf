import { DROP_REASONS, type DropReason } from '@switchgear/conventions';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Spool, SpoolEnd, SpooledCall } from '../../src/breaker/neutral/spool/spool.ts';

/** A place that spools keep their calls in, one spool at a time. */
export interface SpoolPlace {
  /** A spool that is not open yet; of a durable kind, each has what the one before it held. It keeps three dead letters. */
  make(): Spool;
  remove(): Promise<void> | void;
}

const OWNER = { breaker: 'payments', wire: 'buffer' };
/** Wall time, ms. */
const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const REPLAYED: SpoolEnd = { kind: 'replayed' };

/** What every spool does. */
export function spoolContract(name: string, makePlace: () => Promise<SpoolPlace> | SpoolPlace): void {
  describe(`a ${name} spool`, () => {
    const places: { place: SpoolPlace; spools: Spool[] }[] = [];
    const place = async () => {
      const made = { place: await makePlace(), spools: [] as Spool[] };
      places.push(made);
      const open = async () => {
        const spool = made.place.make();
        made.spools.push(spool);
        return { spool, opening: await spool.open(OWNER) };
      };
      return { open };
    };
    const opened = async () => (await (await place()).open()).spool;
    const removeAll = async () => {
      for (const { place, spools } of places.splice(0)) {
        await Promise.all(spools.map((spool) => spool.close()));
        await place.remove();
      }
    };
    afterEach(removeAll);

    test('a new one holds nothing and has seen nothing', async () => {
      const { spool, opening } = await (await place()).open();
      expect(opening).toEqual({ totals: totals({}), damage: undefined });
      expect(spool.load()).toEqual({ depth: 0, sizeBytes: 0, oldestDivertedAt: undefined });
      expect(spool.nextDueAt()).toBeUndefined();
      expect(await spool.take(10, NOW)).toEqual([]);
      expect(await spool.peek(10)).toEqual([]);
      expect(await spool.deadLetters(10)).toEqual([]);
    });

    test('it gives calls back as they came, oldest first', async () => {
      const spool = await opened();
      const calls = [
        call('1', { key: 'jo', input: { order: 7, lines: ['bolt', null, 1.5, true] }, attempts: 2, sizeBytes: 70 }),
        call('2', { input: 'text with a "quote", an ü and a \u0000', idempotencyKey: 'mine', operation: 'refund' }),
        call('3', { input: undefined, key: '' }),
      ];
      for (const each of calls) await spool.append(each);
      expect(await spool.peek(2)).toEqual(calls.slice(0, 2));
      expect(await spool.take(2, NOW)).toEqual(calls.slice(0, 2));
      expect(await spool.take(2, NOW)).toEqual(calls.slice(2));
      expect(await spool.peek(10)).toEqual(calls);
    });

    test('calls that are appended at the same time keep the order in which they were', async () => {
      const spool = await opened();
      const calls = Array.from({ length: 200 }, (_, index) => call(`${index}`));
      await Promise.all(calls.map((each) => spool.append(each)));
      expect(ids(await spool.take(1_000, NOW))).toEqual(ids(calls));
    });

    test('its load is the calls that are held, taken or not', async () => {
      const spool = await opened();
      await spool.append(call('1', { sizeBytes: 10, divertedAt: NOW - 3 }));
      await spool.append(call('2', { sizeBytes: 20, divertedAt: NOW - 2 }));
      await spool.take(1, NOW);
      expect(spool.load()).toEqual({ depth: 2, sizeBytes: 30, oldestDivertedAt: NOW - 3 });
      await spool.end('1', REPLAYED);
      expect(spool.load()).toEqual({ depth: 1, sizeBytes: 20, oldestDivertedAt: NOW - 2 });
      await spool.end('2', REPLAYED);
      expect(spool.load()).toEqual({ depth: 0, sizeBytes: 0, oldestDivertedAt: undefined });
    });

    test('a call waits for the older ones of its key, and for no other', async () => {
      const spool = await opened();
      for (const [id, key] of ['a1', 'a2', 'b1', 'a3', 'b2'].map((id) => [id, id[0]])) {
        await spool.append(call(id!, { key }));
      }
      await spool.append(call('none'));
      expect(ids(await spool.take(10, NOW))).toEqual(['a1', 'b1', 'none']);
      expect(await spool.take(10, NOW)).toEqual([]);
      await spool.end('a1', REPLAYED);
      expect(ids(await spool.take(10, NOW))).toEqual(['a2']);
      await spool.giveBack('b1', 1, NOW + 500);
      expect(await spool.take(10, NOW + 499)).toEqual([]);
      expect(ids(await spool.take(10, NOW + 500))).toEqual(['b1']);
      await spool.end('b1', { kind: 'dead', at: NOW, error: 'no such account' });
      expect(ids(await spool.take(10, NOW))).toEqual(['b2']);
      await spool.append(call('a4', { key: 'a' }));
      expect(await spool.take(10, NOW)).toEqual([]);
    });

    test('the end of a call in the midst of its key lets none of the others past', async () => {
      const spool = await opened();
      for (const id of ['1', '2', '3']) await spool.append(call(id, { key: 'jo' }));
      expect(ids(await spool.take(10, NOW))).toEqual(['1']);
      expect(await spool.end('2', { kind: 'dropped', reason: 'overflow' })).toBe(true);
      expect(await spool.take(10, NOW)).toEqual([]);
      await spool.end('1', REPLAYED);
      expect(ids(await spool.take(10, NOW))).toEqual(['3']);
    });

    test('a call that is given back is the oldest again, with its attempts', async () => {
      const spool = await opened();
      for (const id of ['1', '2', '3']) await spool.append(call(id));
      await spool.take(2, NOW);
      await spool.giveBack('1', 3, 0);
      expect((await spool.take(1, NOW)).map(({ id, attempts }) => [id, attempts])).toEqual([['1', 3]]);
    });

    test('it tells when the first of those that wait may be taken', async () => {
      const spool = await opened();
      for (const id of ['1', '2']) await spool.append(call(id));
      await spool.take(2, NOW);
      await spool.giveBack('1', 1, NOW + 900);
      await spool.giveBack('2', 1, NOW + 300);
      expect(spool.nextDueAt()).toBe(NOW + 300);
      expect(ids(await spool.take(2, NOW + 300))).toEqual(['2']);
      await spool.end('2', REPLAYED);
      expect(spool.nextDueAt()).toBe(NOW + 900);
    });

    test('an end or a giving back of what is not there changes nothing', async () => {
      const spool = await opened();
      await spool.append(call('1'));
      expect(await spool.end('other', REPLAYED)).toBe(false);
      await spool.giveBack('other', 1, 0);
      await spool.giveBack('1', 7, NOW + 500);
      expect((await spool.take(2, NOW)).map(({ id, attempts }) => [id, attempts])).toEqual([['1', 0]]);
      expect(await spool.end('1', REPLAYED)).toBe(true);
      expect(await spool.end('1', REPLAYED)).toBe(false);
      await spool.giveBack('1', 1, 0);
      expect(await spool.take(2, NOW)).toEqual([]);
      expect(spool.load().depth).toBe(0);
    });

    test('an expired call is not taken, and is dropped when it is asked to, unless it is taken', async () => {
      const spool = await opened();
      await spool.append(call('taken', { expiresAt: NOW + 10 }));
      expect(await spool.take(1, NOW)).toHaveLength(1);
      await spool.append(call('old', { expiresAt: NOW + 10, key: 'jo' }));
      await spool.append(call('new', { expiresAt: NOW + 99, key: 'jo' }));
      expect(await spool.take(5, NOW + 10)).toEqual([]);
      expect(await expire(spool, NOW + 9)).toEqual([]);
      expect(await expire(spool, NOW + 10)).toEqual(['old']);
      expect(ids(await spool.take(5, NOW + 10))).toEqual(['new']);
      expect(ids(await spool.peek(5))).toEqual(['taken', 'new']);
      await spool.giveBack('taken', 1, 0);
      expect(await expire(spool, NOW + 10)).toEqual(['taken']);
      expect(spool.load().depth).toBe(1);
    });

    test('it keeps the latest dead letters with all their attempts, and no more than it may', async () => {
      const spool = await opened();
      for (const id of ['1', '2', '3', '4']) {
        await spool.append(call(id, { key: id, attempts: 4 }));
        await spool.end(id, { kind: 'dead', at: NOW + Number(id), error: `error ${id}` });
      }
      // The attempt that it died of was not given back.
      const letter = (id: string) => ({
        ...call(id, { key: id, attempts: 5 }),
        diedAt: NOW + Number(id),
        error: `error ${id}`,
      });
      expect(await spool.deadLetters(2)).toEqual([letter('4'), letter('3')]);
      expect(ids(await spool.deadLetters(10))).toEqual(['4', '3', '2']);
      expect(spool.load().depth).toBe(0);
      expect(await spool.purgeDeadLetters()).toBe(3);
      expect(await spool.deadLetters(10)).toEqual([]);
      expect(await spool.purgeDeadLetters()).toBe(0);
    });

    test('once closed, it refuses everything but to be closed again', async () => {
      const spool = await opened();
      await spool.append(call('1'));
      await spool.close();
      await spool.close();
      const closed = { name: 'SpoolError', code: 'SPOOL_CLOSED' };
      await expect(spool.append(call('2'))).rejects.toMatchObject(closed);
      await expect(spool.take(1, NOW)).rejects.toMatchObject(closed);
      await expect(spool.end('1', REPLAYED)).rejects.toMatchObject(closed);
      await expect(spool.giveBack('1', 0, 0)).rejects.toMatchObject(closed);
      await expect(spool.expire(NOW)).rejects.toMatchObject(closed);
    });

    test('a durable one has all of it when it is opened again', async () => {
      const { open } = await place();
      const { spool } = await open();
      if (!spool.isDurable) return;
      for (const id of ['1', '2', '3', '4', '5', '6']) await spool.append(call(id, { key: id, sizeBytes: Number(id) }));
      await spool.take(3, NOW);
      await spool.giveBack('1', 2, 0);
      await spool.end('2', REPLAYED);
      await spool.end('4', { kind: 'dropped', reason: 'shutdown' });
      await spool.end('6', { kind: 'dead', at: NOW, error: 'too old' });
      await spool.close();

      const again = await open();
      expect(again.opening.damage).toBeUndefined();
      expect(again.opening.totals).toEqual(totals({ received: 6, replayed: 1, dead: 1, shutdown: 1 }));
      expect(again.spool.load()).toMatchObject({ depth: 3, sizeBytes: 9 });
      expect(ids(await again.spool.deadLetters(9))).toEqual(['6']);
      const taken = await again.spool.take(9, NOW);
      expect(taken.map(({ id, attempts }) => [id, attempts])).toEqual([
        ['1', 2],
        ['3', 0],
        ['5', 0],
      ]);
      await again.spool.append(call('7'));
      expect(ids(await again.spool.peek(9))).toEqual(['1', '3', '5', '7']);
    });

    test('a durable one holds what was appended just before it was closed', async () => {
      const { open } = await place();
      const { spool } = await open();
      if (!spool.isDurable) return;
      const appended = spool.append(call('1'));
      await spool.close();
      await appended;
      expect(ids(await (await open()).spool.peek(9))).toEqual(['1']);
    });

    test('it does what a plain list would, whatever is done to it', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
          const { open } = await place();
          let { spool, opening } = await open();
          const model = new PlainList();
          for (const taken of steps) {
            if (taken.kind === 'reopen') {
              if (!spool.isDurable) continue;
              await spool.close();
              ({ spool, opening } = await open());
              model.reopen();
              expect(opening).toEqual({ totals: model.totals, damage: undefined });
            } else expect(await doStep(spool, taken, model)).toEqual(model.do(taken));
            const held = model.held.map(({ call }) => call);
            expect(await spool.peek(1_000)).toEqual(held);
            expect(spool.load()).toEqual({
              depth: held.length,
              sizeBytes: held.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
              oldestDivertedAt: held[0]?.divertedAt,
            });
            const { received, replayed, dead, dropped } = model.totals;
            const droppedInAll = DROP_REASONS.reduce((sum, reason) => sum + dropped[reason], 0);
            expect(received).toBe(replayed + dead + droppedInAll + spool.load().depth);
          }
          await removeAll();
        }),
        { numRuns: 60 },
      );
    }, 60_000);
  });
}

type Step =
  | { kind: 'append'; keys: readonly (string | undefined)[]; ttlMs: number }
  | { kind: 'take'; limit: number }
  | { kind: 'end'; which: number; of: 'taken' | 'held'; end: SpoolEnd }
  | { kind: 'giveBack'; which: number; attempts: number; delayMs: number }
  | { kind: 'expire' }
  | { kind: 'wait'; ms: number }
  | { kind: 'reopen' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      keys: fc.array(fc.constantFrom(undefined, 'a', 'b', 'c'), { minLength: 1, maxLength: 4 }),
      ttlMs: fc.constantFrom(50, 500, HOUR_MS),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('take' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(50),
      of: fc.constantFrom('taken' as const, 'taken' as const, 'held' as const),
      end: fc.constantFrom<SpoolEnd>(
        REPLAYED,
        { kind: 'dead', at: NOW, error: 'broken' },
        { kind: 'dropped', reason: 'exhausted' },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('giveBack' as const),
      which: fc.nat(50),
      attempts: fc.nat(5),
      delayMs: fc.constantFrom(0, 100, 1_000),
    }),
  },
  fc.constant({ kind: 'expire' } as const),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(40, 100, 1_000) }),
  fc.constant({ kind: 'reopen' } as const),
);

/** The same as a spool, in the plainest way. */
class PlainList {
  held: { call: SpooledCall; isTaken: boolean; notBefore: number }[] = [];
  totals = totals({});
  now = NOW;
  #appended = 0;

  next(step: Step & { kind: 'append' }): SpooledCall[] {
    return step.keys.map((key, index) =>
      call(`${this.#appended + index + 1}`, {
        key,
        divertedAt: this.now,
        expiresAt: this.now + step.ttlMs,
        sizeBytes: this.#appended + index,
      }),
    );
  }

  /** Of the calls taken, or of all, the one that a number means. */
  pick(which: number, of: 'taken' | 'held'): string {
    const among = this.held.filter(({ isTaken }) => of === 'held' || isTaken);
    return among[which % Math.max(1, among.length)]?.call.id ?? 'none';
  }

  do(step: Step): unknown {
    switch (step.kind) {
      case 'append': {
        const calls = this.next(step);
        this.#appended += calls.length;
        this.totals = { ...this.totals, received: this.totals.received + calls.length };
        this.held.push(...calls.map((call) => ({ call, isTaken: false, notBefore: 0 })));
        return undefined;
      }
      case 'take': {
        const taken = this.held.filter(
          ({ call, isTaken, notBefore }, index) =>
            !isTaken &&
            notBefore <= this.now &&
            call.expiresAt > this.now &&
            !this.held.slice(0, index).some((older) => call.key !== undefined && older.call.key === call.key),
        );
        const first = taken.slice(0, step.limit);
        for (const each of first) each.isTaken = true;
        return first.map(({ call }) => call);
      }
      case 'end':
        return this.#end(this.pick(step.which, step.of), step.end);
      case 'giveBack': {
        const id = this.pick(step.which, 'taken');
        const found = this.held.find(({ call, isTaken }) => call.id === id && isTaken);
        if (found) {
          found.call = { ...found.call, attempts: step.attempts };
          found.isTaken = false;
          found.notBefore = this.now + step.delayMs;
        }
        return undefined;
      }
      case 'expire': {
        const expired = this.held.filter(({ call, isTaken }) => !isTaken && call.expiresAt <= this.now);
        for (const { call } of expired) this.#end(call.id, { kind: 'dropped', reason: 'expired' });
        return expired.map(({ call }) => call.id).sort();
      }
      case 'wait':
        this.now += step.ms;
        return undefined;
      case 'reopen':
        return this.reopen();
    }
  }

  /** What was taken is held again. Whether what waits goes on waiting is left open: here it has waited enough. */
  reopen(): void {
    this.now += 10_000;
    for (const each of this.held) each.isTaken = false;
  }

  #end(id: string, end: SpoolEnd): boolean {
    const isHeld = this.held.some(({ call }) => call.id === id);
    this.held = this.held.filter(({ call }) => call.id !== id);
    if (!isHeld) return false;
    const { replayed, dead, dropped } = this.totals;
    if (end.kind === 'replayed') this.totals = { ...this.totals, replayed: replayed + 1 };
    else if (end.kind === 'dead') this.totals = { ...this.totals, dead: dead + 1 };
    else this.totals = { ...this.totals, dropped: { ...dropped, [end.reason]: dropped[end.reason] + 1 } };
    return true;
  }
}

/** Does to the spool what the list is about to do. */
async function doStep(spool: Spool, step: Step, model: PlainList): Promise<unknown> {
  switch (step.kind) {
    case 'append':
      await Promise.all(model.next(step).map((call) => spool.append(call)));
      return undefined;
    case 'take':
      return spool.take(step.limit, model.now);
    case 'end':
      return spool.end(model.pick(step.which, step.of), step.end);
    case 'giveBack':
      return spool.giveBack(model.pick(step.which, 'taken'), step.attempts, model.now + step.delayMs);
    case 'expire':
      return (await expire(spool, model.now)).sort();
    default:
      return undefined;
  }
}

function call(id: string, fields: Partial<SpooledCall> = {}): SpooledCall {
  return {
    id,
    operation: 'charge',
    input: { order: id },
    key: undefined,
    idempotencyKey: `key of ${id}`,
    divertedAt: NOW,
    expiresAt: NOW + HOUR_MS,
    sizeBytes: 8,
    attempts: 0,
    ...fields,
  };
}

/** Returns the ids of what has expired. */
async function expire(spool: Spool, now: number): Promise<string[]> {
  return (await spool.expire(now)).map((call) => (typeof call === 'string' ? call : call.id));
}

function ids(calls: readonly SpooledCall[]): string[] {
  return calls.map(({ id }) => id);
}

function totals(counts: Partial<Record<DropReason | 'received' | 'replayed' | 'dead', number>>) {
  const { received = 0, replayed = 0, dead = 0 } = counts;
  const dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, counts[reason] ?? 0]));
  return { received, replayed, dead, dropped: dropped as Record<DropReason, number> };
}
