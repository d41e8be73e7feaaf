import type { OutgoingCall } from '@switchgear/adapters/outgoing';
import type { MatchConfig } from '@switchgear/service-config';
import { describe, expect, test } from 'vitest';
import { compileRules } from '../../../src/register/guards/rule-matcher.ts';

const CALL: OutgoingCall = {
  client: 'fetch',
  method: 'POST',
  origin: 'https://api.example.com',
  host: 'api.example.com',
  path: '/v1/charges/7',
};

describe('a rule', () => {
  test.each<[MatchConfig, boolean]>([
    [{}, true],
    [{ host: 'api.example.com' }, true],
    [{ host: 'API.Example.COM' }, true],
    [{ host: 'example.com' }, false],
    [{ host: '*.example.com' }, true],
    [{ host: '*example*' }, true],
    [{ host: 'api.exampleXcom' }, false],
    [{ host: 'api*example.com.evil' }, false],
    [{ method: 'post' }, true],
    [{ method: ['GET', 'POST'] }, true],
    [{ method: 'GET' }, false],
    [{ path: '/v1/charges/7' }, true],
    [{ path: '/V1/charges/7' }, false],
    [{ path: '/v1/*' }, false],
    [{ path: '/v1/*/7' }, true],
    [{ path: '/v1/**' }, true],
    [{ path: '/v1/charges/?' }, false],
    [{ client: 'http' }, false],
    [{ client: ['http', 'fetch'], host: '*.com', method: 'POST', path: '/**' }, true],
    [{ client: ['http', 'fetch'], host: '*.com', method: 'GET', path: '/**' }, false],
  ])('with %j: %s', (match, holds) => {
    expect(compileRules([{ match, breaker: 'a' }])(CALL)).toBe(holds ? 'a' : undefined);
  });

  test.each([
    ['https://api.example.com', 'api.example.com', 'api.example.com:443', true],
    ['http://api.example.com', 'api.example.com', 'api.example.com:443', false],
    ['postgres://db/shop', 'db', 'db:5432', true],
    ['redis://cache', 'cache', 'cache:6379', true],
    ['redis://cache:6380', 'cache:6380', 'cache:6379', false],
    ['https://[::1]', '[::1]', '[::1]:443', true],
    ['grpc://stock:50051', 'stock:50051', 'stock:50051', true],
  ])('for %s, whose host is %s, with the port it need not say: %s', (origin, host, pattern, holds) => {
    expect(compileRules([{ match: { host: pattern }, breaker: 'a' }])({ ...CALL, origin, host })).toBe(
      holds ? 'a' : undefined,
    );
  });

  test('before another decides', () => {
    const rules = [
      { match: { path: '/v2/**' }, breaker: 'second' },
      { match: { host: 'api.example.com' }, breaker: 'first' },
      { match: {}, breaker: 'rest' },
    ];
    expect(compileRules(rules)(CALL)).toBe('first');
    expect(compileRules(rules)({ ...CALL, path: '/v2/x' })).toBe('second');
    expect(compileRules(rules)({ ...CALL, host: 'other' })).toBe('rest');
  });

  test('a pattern is no regular expression', () => {
    expect(compileRules([{ match: { path: '/v1/(charges)/[7]' }, breaker: 'a' }])(CALL)).toBeUndefined();
    expect(compileRules([{ match: { path: '/a.b+c/*' }, breaker: 'a' }])({ ...CALL, path: '/a.b+c/d' })).toBe('a');
  });
});
