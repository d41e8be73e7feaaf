import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/service-config/index.ts';

describe('a good file', () => {
  test('is given as it stands', () => {
    const { config, problems } = readConfig(`
# yaml-language-server: $schema=switchgear.schema.json
mode: shadow
breakers:
  payments:
    preset: http
    mode: auto
    timeoutMs: null
    trip: { failureRatio: 0.3 }
    failures: { statuses: [5xx, 429, 500-504], errors: [ECONNRESET, 'UND_ERR_*'], grpc: [UNAVAILABLE, 14] }
    wires:
      - kind: cache
      - { kind: buffer, methods: [POST], spool: { sqlite: payments.db }, orderBy: { header: x-customer } }
      - { kind: answer, status: 503, json: { sorry: true } }
rules:
  - match: { host: [api.example.com, '*.example.com'], path: /v1/* }
    breaker: payments
  - match: { host: metadata.internal }
    breaker: none
  - match: { client: [pg, 'io*'], host: ['db:5433', '[::1]:6380', '*', /run/redis.sock, '*/redis.sock'], path: ['**', /] }
    breaker: none
unmatched: { maxOrigins: 10 }
telemetry: { instrumentations: [http, undici, pg] }
`);
    expect(problems).toEqual([]);
    expect(config?.breakers?.payments?.timeoutMs).toBeNull();
    expect(config?.rules?.[0]?.match.host).toEqual(['api.example.com', '*.example.com']);
    expect(config?.breakers?.payments?.wires).toHaveLength(3);
  });

  test.each(['', '# nothing but a comment\n', '{}'])('says nothing where it is empty: %j', (text) => {
    expect(readConfig(text)).toEqual({ config: {}, problems: [] });
  });
});

describe('a bad file', () => {
  test.each([
    ['not YAML', 'breakers: [', 1, 12, /sequence/],
    ['a key twice', 'mode: auto\nmode: shadow\n', 2, 1, /unique/],
    ['no map', '- a\n', 1, 1, /`the file` must be an object/],
    ['an unknown key', 'mode: auto\nbreaker: {}\n', 2, 1, /`breaker` is unknown; known here: mode, breakers, rules/],
    [
      'a value out of its range',
      'breakers:\n  a:\n    timeoutMs: 0\n',
      3,
      5,
      /`breakers\.a\.timeoutMs` must be an integer from 1/,
    ],
    [
      'a value deep in a flow map',
      'breakers:\n  a: { trip: { windowMs: 1 } }\n',
      2,
      16,
      /`breakers\.a\.trip\.windowMs`/,
    ],
    [
      'a name with dots',
      'breakers:\n  api.example.com:\n    mode: on\n',
      3,
      5,
      /`breakers\.api\.example\.com\.mode` must be one of auto/,
    ],
    [
      'a list item',
      'rules:\n  - match: {}\n    breaker: none\n  - breaker: none\n',
      4,
      5,
      /`rules\[1\]\.match` must be an object, got nothing/,
    ],
    [
      'a rule for nobody',
      'breakers: { a: {} }\nrules:\n  - match: {}\n    breaker: b\n',
      4,
      5,
      /must be one that `breakers` has, or none: one of a, none, got "b"/,
    ],
    [
      'a client that nobody guards',
      'rules:\n  - { match: { client: redis }, breaker: none }\n',
      2,
      16,
      /client` must be one of fetch, undici, http, grpc, pg, ioredis, or a pattern with \*, got "redis"/,
    ],
    [
      'a host with a scheme',
      'rules:\n  - { match: { host: "https://api.example.com" }, breaker: none }\n',
      2,
      16,
      /host` must be a host, with or without its port, and without scheme and path/,
    ],
    [
      'a path that no call has',
      'rules:\n  - { match: { path: v1/** }, breaker: none }\n',
      2,
      16,
      /must begin with \/ or \*/,
    ],
    [
      'a match of nothing',
      'rules:\n  - { match: { host: [] }, breaker: none }\n',
      2,
      16,
      /host` must name at least one/,
    ],
    [
      'a word for unmatched calls',
      'unmatched: shadow\n',
      1,
      1,
      /must be none, or the keys of a breaker, .* got "shadow"/,
    ],
    [
      'a wire of no kind',
      'breakers:\n  a:\n    wires:\n      - kind: magic\n',
      4,
      9,
      /wires\[0\]\.kind` must be one of answer, cache/,
    ],
    [
      'a buffer for no method',
      'breakers: { a: { wires: [{ kind: buffer, methods: [] }] } }\n',
      1,
      42,
      /methods` must name at least one/,
    ],
    [
      'two wires of one name',
      'breakers: { a: { wires: [{ kind: cache }, { kind: cache }] } }\n',
      1,
      43,
      /wires\[1\]\.name` must be unique/,
    ],
    [
      'settings that contradict each other',
      'breakers:\n  a:\n    trip: { slowMs: null }\n',
      3,
      13,
      /trip\.slowMs` must be set where slowRatio is/,
    ],
    [
      'a preset made senseless',
      'breakers:\n  a:\n    preset: database\n    cooldownMs: { baseMs: 5000, maxMs: 10 }\n',
      4,
      33,
      /maxMs/,
    ],
    ['a breaker called none', 'breakers: { none: {} }\n', 1, 13, /must not be named none/],
    ['a bad status', 'breakers: { a: { ignored: { statuses: [6xx] } } }\n', 1, 40, /must be a status such as/],
    [
      'an origin with a path',
      'breakers: { a: { wires: [{ kind: origin, origin: "https://a.b/c" }] } }\n',
      1,
      42,
      /without a path/,
    ],
  ])('%s: is refused at its place', (_, text, line, column, message) => {
    const { config, problems } = readConfig(text);
    expect(config).toBeUndefined();
    expect(problems.map((problem) => problem.message).join('\n')).toMatch(message);
    expect(problems[0]).toMatchObject({ line, column });
  });

  test('tells all of its problems, in the order of the lines', () => {
    const { problems } = readConfig('rules: 1\nmode: x\nbreakers:\n  a: { timeoutMs: 0, maxConcurrent: 0 }\n');
    expect(problems.map(({ line }) => line)).toEqual([1, 2, 4, 4]);
  });

  test('aliases do not blow it up', () => {
    const bomb = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? 'l0: &l0 [a, a]'
        : `l${level}: &l${level} [${Array(9)
            .fill(`*l${level - 1}`)
            .join(', ')}]`,
    ).join('\n');
    const { config, problems } = readConfig(bomb);
    expect(config).toBeUndefined();
    expect(problems[0]?.message).toMatch(/alias/i);
  });
});
