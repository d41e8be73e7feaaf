import { join } from 'node:path';
import { performance as nodePerformance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ExampleFolder } from '../support/repository/example-folder.ts';

const root = join(import.meta.dirname, '../..');

/** What a client's dependency does with one call, or how long nobody calls. */
type Step = 'answers' | 'fails' | 'hangs' | 'knows it not' | { readonly waitMs: number };

type Load = (item: string, signal?: AbortSignal) => Promise<number>;

/** Makes a client of a dependency: its methods by name, `stop` among them. */
type MakeClient = (
  load: Load,
  log: (line: string) => void,
) => Readonly<Record<string, (item: string) => Promise<unknown>>>;

let folder: ExampleFolder;

beforeAll(() => {
  folder = new ExampleFolder(root);
  // Once for the file: timers that a clock has armed must go on by the clock that they were armed by.
  vi.useFakeTimers();
  // Faked is the global one alone.
  vi.spyOn(nodePerformance, 'now').mockImplementation(() => performance.now());
});

afterAll(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  folder.remove();
});

test('a service that leaves opossum gives the same answers', { timeout: 30_000 }, async () => {
  folder.write('docs/migrating-from-opossum.md');
  const steps: Step[] = [
    ...(['answers', 'answers', 'fails', 'fails', 'knows it not'] as const),
    { waitMs: 11_000 },
    ...(['fails', 'fails', 'answers', 'hangs', 'fails', 'answers'] as const),
    { waitMs: 29_000 },
    'answers',
    { waitMs: 1_000 },
    'fails',
    'answers',
    { waitMs: 30_000 },
    'answers',
    'answers',
  ];
  const [before, after] = await replayOnBoth('migrating-from-opossum', 'stockClient', 'stockOf', steps);
  expect(after).toEqual(before);
  expect(after).toEqual([
    '7',
    '7',
    '-1',
    '-1',
    'NotFound',
    // The old failures are forgotten.
    '-1',
    '-1',
    '7',
    'open',
    '-1',
    // Not called any more, nor after 29 s.
    '-1',
    '-1',
    '-1',
    // The probe fails.
    'open',
    '-1',
    '-1',
    // The probe is good.
    'closed',
    '7',
    '7',
    'called 12 times',
  ]);
});

test('a service that leaves cockatiel gives the same answers', { timeout: 30_000 }, async () => {
  folder.write('docs/migrating-from-cockatiel.md');
  const steps: Step[] = [
    ...(['answers', 'fails', 'knows it not', 'fails', 'hangs', 'answers'] as const),
    { waitMs: 4_999 },
    'answers',
    { waitMs: 1 },
    'fails',
    { waitMs: 9_999 },
    'answers',
    { waitMs: 1 },
    'hangs',
    { waitMs: 20_000 },
    'answers',
    'answers',
  ];
  const [before, after] = await replayOnBoth('migrating-from-cockatiel', 'ratesClient', 'rateOf', steps);
  expect(after).toEqual(before);
  expect(after).toEqual([
    '7',
    'Error',
    'NotFound',
    'Error',
    'open',
    'too late',
    'not now',
    'not now',
    'half-open',
    'open',
    'Error',
    // Twice as long now.
    'not now',
    'half-open',
    'open',
    'too late',
    'half-open',
    'closed',
    '7',
    '7',
    'called 9 times',
  ]);
});

/** What callers and the log of both clients get, one after the other. */
async function replayOnBoth(page: string, make: string, method: string, steps: readonly Step[]) {
  const [before, after] = ['before.ts', 'after.ts'].map(async (file) => {
    const example = (await import(join(folder.path, page, file))) as Readonly<Record<string, unknown>>;
    return { makeClient: example[make] as MakeClient, NotFound: example.NotFound as new () => Error };
  });
  return [await replay(await before!, method, steps), await replay(await after!, method, steps)] as const;
}

async function replay(
  { makeClient, NotFound }: { readonly makeClient: MakeClient; readonly NotFound: new () => Error },
  method: string,
  steps: readonly Step[],
): Promise<string[]> {
  const heard: string[] = [];
  let calls = 0;
  let step: Step = 'answers';
  const load: Load = async () => {
    calls += 1;
    if (step === 'knows it not') throw new NotFound();
    if (step === 'fails') throw new Error('unwell');
    if (step === 'hangs') await new Promise(() => {});
    return 7;
  };
  const client = makeClient(load, (line) => heard.push(line));
  for (step of steps) {
    if (typeof step === 'object') {
      await vi.advanceTimersByTimeAsync(step.waitMs);
      continue;
    }
    const answer = client[method]!('bolt').then(String, (error: Error) => error.constructor.name);
    if (step === 'hangs') await vi.advanceTimersByTimeAsync(2_000);
    heard.push(await answer);
  }
  await client.stop!('bolt');
  return [...heard, `called ${calls} times`];
}
