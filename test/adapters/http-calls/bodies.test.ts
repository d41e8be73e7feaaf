import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { codingsOf, decodeBody, isDecoded } from '../../../src/adapters/http-calls/decode-body.ts';
import { keepBody, readWhole } from '../../../src/adapters/http-calls/keep-body.ts';

test('a kept body passes as it is asked for, and is whole whatever was sent of it', async () => {
  const source = new Source('one ', 'two ', 'three');
  const kept = keepBody(source, 100);
  expect(source.given).toBe(0);
  const sent = kept.passing[Symbol.asyncIterator]();
  expect(text((await sent.next()).value as Uint8Array)).toBe('one ');
  expect(source.given).toBe(1);
  expect(text(await kept.whole())).toBe('one two three');
  expect(await kept.whole()).toEqual(await kept.whole());
});

test('two that read at once do not take chunks from each other', async () => {
  const kept = keepBody(new Source('one ', 'two ', 'three'), 100);
  const [whole, sent] = await Promise.all([kept.whole(), readWhole(kept.passing, 100)]);
  expect(text(whole)).toBe('one two three');
  expect(text(sent)).toBe('one two three');
});

test('a body beyond the bound is sent, and not kept', async () => {
  const kept = keepBody(new Source('one ', 'two '), 5);
  expect(text(await readWhole(kept.passing, 100))).toBe('one two ');
  await expect(kept.whole()).rejects.toMatchObject({ code: 'BODY_TOO_LARGE', mostBytes: 5 });
});

test('no more than the bound is read for a wire', async () => {
  const source = new Source(...Array.from({ length: 100 }, () => 'x'));
  await expect(keepBody(source, 5).whole()).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
  expect(source.given).toBe(6);
  const another = new Source(...Array.from({ length: 100 }, () => 'x'));
  await expect(readWhole(another, 5)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
  expect(another).toMatchObject({ given: 6, isClosed: true });
});

test('a body that broke while it was sent is never whole', async () => {
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one');
    throw new Error('the file is gone');
  }
  const kept = keepBody(breaking(), 100);
  await expect(readWhole(kept.passing, 100)).rejects.toThrow('the file is gone');
  await expect(kept.whole()).rejects.toThrow('the file is gone');
});

test('the source is closed once neither the request nor a wire has a use for it', async () => {
  const [first, second, third] = [new Source('one', 'two'), new Source('one', 'two'), new Source('one', 'two')];
  const sentFirst = keepBody(first, 100);
  await sentFirst.passing[Symbol.asyncIterator]().return?.();
  expect(first.isClosed).toBe(false);
  sentFirst.letGo();
  expect(first.isClosed).toBe(true);

  const letGoFirst = keepBody(second, 100);
  const sending = letGoFirst.passing[Symbol.asyncIterator]();
  letGoFirst.letGo();
  expect(text((await sending.next()).value as Uint8Array)).toBe('one');
  expect(second.isClosed).toBe(false);
  await sending.return?.();
  expect(second.isClosed).toBe(true);

  const complete = keepBody(third, 100);
  complete.letGo();
  expect(text(await readWhole(complete.passing, 100))).toBe('onetwo');
});

test('what a wire keeps is not what the caller changes later', async () => {
  const chunk = Buffer.from('one');
  const kept = keepBody([chunk], 100);
  await readWhole(kept.passing, 100);
  chunk.fill('x');
  expect(text(await kept.whole())).toBe('one');
});

test('chunks are bytes or text', async () => {
  const bytes = new Uint8Array([97, 98]);
  expect(text(await readWhole([bytes, bytes.buffer, new DataView(bytes.buffer, 1), 'c'], 100))).toBe('ababbc');
  await expect(readWhole([5], 100)).rejects.toThrow('must be bytes or text, and it is number');
});

test('codings are undone from the last one on, within a bound', async () => {
  const body = gzipSync(gzipSync('decoded'));
  expect(text(await decodeBody(body, ['gzip', 'x-gzip'], 100))).toBe('decoded');
  await expect(decodeBody(gzipSync('x'.repeat(101)), ['gzip'], 100)).rejects.toThrow();
  await expect(decodeBody(body, ['constructor'], 100)).rejects.toThrow('The coding "constructor" is unknown');
  expect(codingsOf({ 'content-encoding': ' GZIP, identity,br' })).toEqual(['gzip', 'br']);
  expect([
    isDecoded({}),
    isDecoded({ 'content-encoding': 'br' }),
    isDecoded({ 'content-encoding': 'br, lzma' }),
  ]).toEqual([false, true, false]);
});

class Source implements AsyncIterable<Uint8Array> {
  given = 0;
  isClosed = false;
  readonly #texts: string[];

  constructor(...texts: string[]) {
    this.#texts = texts;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        const value = this.#texts[this.given];
        if (value === undefined) return { done: true, value };
        this.given += 1;
        return { done: false, value: Buffer.from(value) };
      },
      return: async () => {
        this.isClosed = true;
        return { done: true, value: undefined };
      },
    };
  }
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
