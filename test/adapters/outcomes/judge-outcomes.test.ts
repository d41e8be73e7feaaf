import { createBreaker, InvalidInputError } from '@switchgear/breaker';
import { describe, expect, test } from 'vitest';
import { DEFAULT_OUTCOMES, judgeOutcomes } from '../../../src/adapters/outcomes/index.ts';
import { freePort } from '../../support/processes.ts';
import { answered, coded, grpcError, replyError, sqlError } from './errors.ts';

const judge = judgeOutcomes();

describe('the default', () => {
  test.each<readonly [string, unknown]>([
    ['a refused connection', coded('ECONNREFUSED')],
    ['an error without a code', new Error('socket hang up')],
    ['something thrown that is no error', 'no'],
    ['a timeout of an AbortSignal', new DOMException('late', 'TimeoutError')],
    ['status 503 on an error', answered(503)],
    ['status 502 on the response of an error', coded('ERR_BAD_RESPONSE', { response: { status: 502 } })],
    ...['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'INTERNAL', 'UNKNOWN', 'DATA_LOSS'].map(
      (name) => [`gRPC ${name}`, grpcError(name)] as const,
    ),
    ...['08006', '53300', '53100', '57P01', '57P03', '57014', '58030', 'XX000'].map(
      (code) => [`SQLSTATE ${code}`, sqlError(code)] as const,
    ),
    ...['LOADING', 'CLUSTERDOWN', 'MASTERDOWN', 'READONLY', 'OOM', 'BUSY', 'TRYAGAIN', 'MISCONF', 'NOREPLICAS'].map(
      (word) => [`Redis ${word}`, replyError(`${word} for a reason`)] as const,
    ),
  ])('takes %s for a failure', (_, error) => {
    expect(judge.isFailure(error)).toBe(true);
  });

  test.each<readonly [string, unknown]>([
    ['an abort of the caller', new DOMException('gone', 'AbortError')],
    ['an abort in the words of Node.js', coded('ABORT_ERR')],
    ['a canceled request of axios', coded('ERR_CANCELED')],
    ['an address that is none', coded('ERR_INVALID_URL')],
    ['a full concurrency limit', coded('BREAKER_LIMITED')],
    ['status 404 on an error', answered(404)],
    ['status 422 on the response of an error', coded('ERR_BAD_REQUEST', { response: { status: 422 } })],
    ...['CANCELLED', 'NOT_FOUND', 'INVALID_ARGUMENT', 'UNAUTHENTICATED', 'ABORTED', 'UNIMPLEMENTED'].map(
      (name) => [`gRPC ${name}`, grpcError(name)] as const,
    ),
    ...['23505', '42601', '40P01', '28P01', '22P02', 'P0001', '57P1X'].map(
      (code) => [`SQLSTATE ${code}`, sqlError(code)] as const,
    ),
    ...['ERR', 'WRONGTYPE', 'NOSCRIPT', 'BUSYGROUP', 'BUSYKEY', 'EXECABORT', 'NOAUTH'].map(
      (word) => [`Redis ${word}`, replyError(`${word} for a reason`)] as const,
    ),
    ['a reply of a script without a word', replyError('user_script:1: wrong')],
  ])('ignores %s', (_, error) => {
    expect(judge.isFailure(error)).toBe(false);
  });

  test('takes a result of status 5xx for a failure, and any other for good', () => {
    for (const result of [{ status: 500 }, { statusCode: 503 }, { status: 599 }]) {
      expect(judge.isFailureResult(result)).toBe(true);
    }
    for (const result of [
      { status: 200 },
      { status: 404 },
      { statusCode: 429 },
      { status: 'down' },
      {},
      null,
      undefined,
      503,
    ]) {
      expect(judge.isFailureResult(result)).toBe(false);
    }
  });

  test('takes no call for slow', () => {
    expect(judge.isSlow({ result: { status: 503 } })).toBe(false);
    expect(judge.isSlow({ error: coded('ETIMEDOUT') })).toBe(false);
  });

  test('has an errno for no SQLSTATE, however like one it is', () => {
    for (const code of ['EPIPE', 'E2BIG', 'EBUSY']) expect(judge.isFailure(coded(code))).toBe(true);
  });

  test('has the code of a DOMException for no gRPC status', () => {
    expect(judge.isFailure(new DOMException('what is this', 'NotFoundError'))).toBe(true);
  });

  test('judges the calls of a breaker', async () => {
    const { isFailure, isFailureResult } = judge;
    const breaker = createBreaker('judged', { telemetry: 'off', isFailure, isFailureResult });
    await expect(breaker.execute(() => Promise.reject(sqlError('23505')))).rejects.toThrow();
    await expect(breaker.execute(() => Promise.reject(sqlError('53300')))).rejects.toThrow();
    await breaker.execute(() => ({ status: 503 }));
    await breaker.execute(() => ({ status: 404 }));
    expect(breaker.stats().calls).toMatchObject({ ignored: 1, failure: 2, success: 1 });
    await breaker.close();
  });
});

describe('where a code is found', () => {
  test('a cause tells what the error around it does not', () => {
    const outer = new TypeError('fetch failed', { cause: coded('ECONNREFUSED') });
    expect(judgeOutcomes({ failures: { errors: ['ECONNREFUSED'] } }).isFailure(outer)).toBe(true);
    expect(judge.isFailure(new Error('not stored', { cause: sqlError('23505') }))).toBe(false);
  });

  test('each error of an AggregateError does', () => {
    const both = new AggregateError([coded('EHOSTUNREACH'), coded('ECONNREFUSED')]);
    const wrapped = new TypeError('fetch failed', { cause: both });
    expect(judgeOutcomes({ failures: { errors: ['ECONNREFUSED'] } }).isFailure(wrapped)).toBe(true);
    expect(judgeOutcomes({ failures: { errors: ['ECONNRESET'] } }).isFailure(wrapped)).toBe(false);
  });

  test('a real fetch to a port where nobody listens tells of its refusal', async () => {
    const refused = await fetch(`http://localhost:${await freePort()}`).catch((thrown) => thrown);
    expect(judgeOutcomes({ failures: { errors: ['ECONNREFUSED'] } }).isFailure(refused)).toBe(true);
  });

  test('a circle of causes and a thousand errors come to an end', () => {
    const circle = coded('EFIRST');
    circle.cause = new AggregateError([circle, circle, circle]);
    expect(judge.isFailure(circle)).toBe(true);
    expect(judge.isFailure(new AggregateError(Array.from({ length: 1_000 }, () => coded('ECONNRESET'))))).toBe(true);
  });

  test('a code deeper than it looks is not seen', () => {
    let error = coded('EDEEP');
    for (let depth = 0; depth < 10; depth += 1) error = coded('EOUTER', { cause: error });
    expect(judgeOutcomes({ failures: { errors: ['EDEEP'] } }).isFailure(error)).toBe(false);
  });
});

describe('lists of one’s own', () => {
  test('a list takes the place of the default’s, and the others stay', () => {
    const { isFailure, isFailureResult } = judgeOutcomes({ failures: { statuses: [429, '502-504'] } });
    expect([429, 500, 502, 503, 504, 505].filter((status) => isFailureResult({ status }))).toEqual([
      429, 502, 503, 504,
    ]);
    expect(isFailure(coded('ECONNRESET'))).toBe(true);
    expect(isFailure(grpcError('UNAVAILABLE'))).toBe(true);
  });

  test('default in a list stands for the default’s', () => {
    const { isFailure } = judgeOutcomes({ failures: { errors: ['default', '28*'], grpc: ['default', 10] } });
    expect(isFailure(sqlError('28P01'))).toBe(true);
    expect(isFailure(sqlError('53300'))).toBe(true);
    expect(isFailure(grpcError('ABORTED'))).toBe(true);
    expect(isFailure(grpcError('UNAVAILABLE'))).toBe(true);
    expect(isFailure(grpcError('NOT_FOUND'))).toBe(false);
  });

  test('what is ignored wins, and is added to what the default ignores', () => {
    const { isFailure, isFailureResult } = judgeOutcomes({
      ignored: { statuses: [501], errors: ['ValidationError', 'UND_ERR_*'], grpc: ['UNKNOWN'] },
    });
    expect(isFailureResult({ status: 501 })).toBe(false);
    expect(isFailureResult({ status: 500 })).toBe(true);
    expect(isFailure(answered(501))).toBe(false);
    expect(isFailure(coded('UND_ERR_SOCKET'))).toBe(false);
    expect(isFailure(grpcError('UNKNOWN'))).toBe(false);
    expect(isFailure(new (class ValidationError extends Error {})('no name'))).toBe(false);
    expect(isFailure(new DOMException('gone', 'AbortError'))).toBe(false);
    expect(isFailure(coded('ECONNRESET'))).toBe(true);
  });

  test('a list without * takes no error that it does not name', () => {
    const { isFailure } = judgeOutcomes({ failures: { errors: ['ECONNRESET', 'ENOT*'] } });
    expect(isFailure(coded('ECONNRESET'))).toBe(true);
    expect(isFailure(coded('ENOTFOUND'))).toBe(true);
    expect(isFailure(coded('ETIMEDOUT'))).toBe(false);
    expect(isFailure(new Error('unknown'))).toBe(false);
  });

  test('slow calls are known by their codes', () => {
    const { isSlow } = judgeOutcomes({ slow: { statuses: [429], errors: ['ETIMEDOUT'], grpc: [4] } });
    expect(isSlow({ result: { status: 429 } })).toBe(true);
    expect(isSlow({ result: { status: 503 } })).toBe(false);
    expect(isSlow({ result: undefined })).toBe(false);
    expect(isSlow({ error: coded('ETIMEDOUT') })).toBe(true);
    expect(isSlow({ error: grpcError('DEADLINE_EXCEEDED') })).toBe(true);
    expect(isSlow({ error: answered(429) })).toBe(true);
  });

  test('an empty list takes nothing', () => {
    const { isFailure, isFailureResult } = judgeOutcomes({ failures: { statuses: [], errors: [], grpc: [] } });
    expect(isFailure(coded('ECONNRESET'))).toBe(false);
    expect(isFailureResult({ status: 503 })).toBe(false);
  });

  test('the default is its own equal', () => {
    const { isFailure, isFailureResult } = judgeOutcomes(DEFAULT_OUTCOMES);
    expect(isFailure(coded('LOADING'))).toBe(true);
    expect(isFailure(sqlError('23505'))).toBe(false);
    expect(isFailureResult({ status: 500 })).toBe(true);
  });
});

describe('a code that is none', () => {
  test.each([
    [{ failures: { statuses: [99] } }, '`failures.statuses[0]` must be an HTTP status', 'got 99'],
    [{ failures: { statuses: [200, '6xx'] } }, '`failures.statuses[1]` must be an HTTP status', 'got "6xx"'],
    [{ failures: { statuses: ['504-500'] } }, '`failures.statuses[0]`', 'got "504-500"'],
    [{ ignored: { errors: ['E*ET'] } }, '`ignored.errors[0]` must be the code or name of an error', 'got "E*ET"'],
    [{ ignored: { errors: [''] } }, '`ignored.errors[0]`', 'got ""'],
    [{ ignored: { errors: ['x'.repeat(121)] } }, '`ignored.errors[0]`', 'got "xxx'],
    [{ slow: { grpc: [17] } }, '`slow.grpc[0]` must be a gRPC status', 'got 17'],
    [{ slow: { grpc: ['unavailable'] } }, '`slow.grpc[0]`', 'got "unavailable"'],
    [{ failures: { errors: 'ECONNRESET' } }, '`failures.errors` must be a list of at most 200 codes', 'ECONNRESET'],
    [{ failures: { codes: [] } }, '`failures.codes` is unknown', 'statuses, errors, grpc'],
    [{ failed: {} }, '`failed` is unknown', 'failures, ignored, slow'],
  ])('%j is refused by field, rule and value', (options, fieldAndRule, value) => {
    const judging = () => judgeOutcomes(options as Parameters<typeof judgeOutcomes>[0]);
    expect(judging).toThrow(InvalidInputError);
    expect(judging).toThrow(fieldAndRule);
    expect(judging).toThrow(value);
  });
});
