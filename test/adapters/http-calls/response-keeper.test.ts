import type { Breaker } from '@switchgear/breaker';
import { expect, test } from 'vitest';
import type { HttpAnswer } from '../../../src/adapters/http-calls/http-answer.ts';
import type { HttpRequest } from '../../../src/adapters/http-calls/http-request.ts';
import { responseKeeper } from '../../../src/adapters/http-calls/response-keeper.ts';

const request = { method: 'GET' } as HttpRequest;
const head = { status: 200, headers: () => ({ 'x-a': '1' }) };

test('no wire that learns, nothing to keep', () => {
  expect(keeperFor({})).toBeUndefined();
  expect(keeperFor({ responseBytes: () => 10 })).toBeUndefined();
  expect(keeperFor({ responseBytes: () => 0, learnResponse: () => undefined })).toBeUndefined();
});

test('each wire learns what is within its own bound', () => {
  const learned: [string, number, string][] = [];
  const wire = (name: string, bytes: number) => ({
    responseBytes: () => bytes,
    learnResponse: (_: HttpRequest, { status, body }: HttpAnswer) =>
      learned.push([name, status, Buffer.from(body).toString()]),
  });
  const keeper = keeperFor(wire('small', 3), wire('large', 6));
  expect(keeper?.mostBytes).toBe(6);
  expect(keeper?.add(Buffer.from('one'))).toBe(true);
  expect(keeper?.add(Buffer.from('two'))).toBe(true);
  keeper?.end();
  keeper?.end();
  expect(learned).toEqual([['large', 200, 'onetwo']]);
});

test('beyond all bounds nothing is kept any more', () => {
  const learned: unknown[] = [];
  const keeper = keeperFor({ responseBytes: () => 3, learnResponse: (...told: unknown[]) => learned.push(told) });
  expect(keeper?.add(Buffer.from('four'))).toBe(false);
  expect(keeper?.add(Buffer.from('x'))).toBe(false);
  keeper?.end();
  expect(learned).toEqual([]);
});

test('what is kept is a copy', () => {
  const learned: Uint8Array[] = [];
  const keeper = keeperFor({
    responseBytes: () => 10,
    learnResponse: (_: HttpRequest, { body }: HttpAnswer) => learned.push(body),
  });
  const chunk = Buffer.from('one');
  keeper?.add(chunk);
  chunk.fill('x');
  keeper?.end();
  expect(learned.map(String)).toEqual(['one']);
});

function keeperFor(...neutralWires: unknown[]) {
  return responseKeeper({ neutralWires } as unknown as Breaker, request, head);
}
