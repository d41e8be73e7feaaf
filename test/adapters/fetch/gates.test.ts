import { HttpAnswer } from '@switchgear/adapters/http-answers';
import { describe, expect, test } from 'vitest';
import type { DispatchController, DispatchHandler } from '../../../src/adapters/fetch/dispatcher.ts';
import type { Gate } from '../../../src/adapters/fetch/gate.ts';
import { LegacyGate } from '../../../src/adapters/fetch/legacy-gate.ts';
import { ModernGate } from '../../../src/adapters/fetch/modern-gate.ts';

const answer = new HttpAnswer(203, { 'x-by': 'wire' }, Buffer.from('spare'));

/** A dispatcher that pays no heed to a pause, as mocks do not, and gives its data at once where it is resumed. */
interface Side {
  readonly gate: Gate;
  readonly told: string[];
  begin(): void;
  head(): void;
  data(chunk: string): void;
  end(): void;
  fail(message: string): void;
}

const SIDES: Readonly<Record<string, (onHead?: () => void) => Side>> = {
  modern: (onHead = () => {}) => {
    const told: string[] = [];
    const controller: DispatchController = {
      aborted: false,
      reason: null,
      abort: () => told.push('aborted'),
      pause: () => told.push('paused'),
      resume: () => told.push('resumed'),
    };
    const gate = new ModernGate(
      {
        onRequestStart: () => told.push('started'),
        onResponseStart: (_, status) => {
          told.push(`head ${status}`);
          onHead();
        },
        onResponseData: (_, chunk) => told.push(`data ${chunk}`),
        onResponseEnd: () => told.push('end'),
        onResponseError: (_, error) => told.push(`error ${(error as Error).message}`),
      } satisfies Record<string, (...args: never[]) => unknown> as DispatchHandler,
      true,
      undefined,
    );
    return {
      gate,
      told,
      begin: () => gate.onRequestStart(controller, {}),
      head: () => gate.onResponseStart(controller, 200, {}),
      data: (chunk) => gate.onResponseData(controller, Buffer.from(chunk)),
      end: () => gate.onResponseEnd(controller, {}),
      fail: (message) => gate.onResponseError(controller, new Error(message)),
    };
  },
  legacy: (onHead = () => {}) => {
    const told: string[] = [];
    const gate = new LegacyGate(
      {
        onConnect: () => void told.push('started'),
        onHeaders: (status) => {
          told.push(`head ${status}`);
          onHead();
          return true;
        },
        onData: (chunk) => told.push(`data ${chunk}`) > 0,
        onComplete: () => void told.push('end'),
        onError: (error) => void told.push(`error ${(error as Error).message}`),
      },
      true,
      undefined,
    );
    return {
      gate,
      told,
      begin: () => gate.onConnect(() => told.push('aborted')),
      head: () => void (gate.onHeaders(200, [], () => told.push('resumed')) || told.push('paused')),
      data: (chunk) => void gate.onData(Buffer.from(chunk)),
      end: () => gate.onComplete([]),
      fail: (message) => gate.onError(new Error(message)),
    };
  },
};

describe.each(Object.keys(SIDES))('a %s gate', (name) => {
  const side = SIDES[name]!;

  test('holds a head and all after it, in order, until it is released', () => {
    const { gate, told, begin, head, data, end } = side();
    void gate.send(begin);
    head();
    data('one');
    end();
    expect(told).toEqual(['started', 'paused']);
    gate.release(undefined);
    expect(told.filter((word) => word !== 'resumed')).toEqual(['started', 'paused', 'head 200', 'data one', 'end']);
    expect(told).toContain('resumed');
  });

  test('keeps what comes while the handler is told of the head behind what came before', () => {
    const late = { data: (_chunk: string) => {} };
    const made = side(() => late.data('two'));
    late.data = made.data;
    const { gate, told, begin, head, data } = made;
    void gate.send(begin);
    head();
    data('one');
    gate.release(undefined);
    data('three');
    const heard = told.filter((word) => word.startsWith('data') || word.startsWith('head'));
    expect(heard).toEqual(['head 200', 'data one', 'data two', 'data three']);
  });

  test('gives a wire’s answer in the stead of the response, and nothing of that', () => {
    const { gate, told, begin, head, data, end, fail } = side();
    void gate.send(begin);
    head();
    data('one');
    gate.answer(answer, true);
    end();
    fail('aborted');
    expect(told).toEqual(['started', 'paused', 'aborted', 'head 203', 'data spare', 'end']);
  });

  test('gives the answer to a request that was never sent', () => {
    const { gate, told } = side();
    gate.answer(answer, false);
    expect(told).toEqual(['started', 'head 203', 'end']);
  });

  test('tells an error that comes after the head behind the data before it', async () => {
    const { gate, told, begin, head, data, fail } = side();
    const sent = gate.send(begin);
    head();
    data('one');
    fail('broken');
    expect((await sent).status).toBe(200);
    gate.release(undefined);
    expect(told.slice(-3).filter((word) => word !== 'resumed')).toEqual(
      expect.arrayContaining(['data one', 'error broken']),
    );
  });

  test('tells an error before the head by the breaker alone, once', async () => {
    const { gate, told, begin, fail } = side();
    const sent = gate.send(begin);
    fail('refused');
    await expect(sent).rejects.toThrow('refused');
    expect(told).toEqual(['started']);
    gate.fail(new Error('refused'));
    gate.fail(new Error('again'));
    expect(told).toEqual(['started', 'error refused']);
  });

  test('ends a request that has not begun as soon as it begins', () => {
    const { gate, told, begin } = side();
    gate.abort(new Error('too late'));
    begin();
    expect(told).toEqual(['aborted']);
  });
});
