import { breakerName, GRPC_STATUSES, nullable, presets } from '@switchgear/conventions';
import { FILE_MODES, NO_BREAKER } from './service-config.ts';
import { SETTINGS_FIELDS } from './settings-fields.ts';
import {
  anything,
  byKind,
  either,
  type Fields,
  integer,
  listOf,
  mapOf,
  object,
  oneOrMore,
  pattern,
  type Shape,
  text,
  words,
} from './shape.ts';

const DAY_MS = 86_400_000;
const MOST_BYTES = 16 * 1_024 * 1_024;
const isNumber = (value: unknown) => typeof value === 'number';

const status = either(
  integer(100, 599),
  pattern('default|[1-5]xx|[1-5]\\d\\d(?:-[1-5]\\d\\d)?', 'must be a status such as 503, 5xx or 500-504'),
  isNumber,
);
const errorCode = pattern(
  '[A-Za-z0-9_.]*[A-Za-z0-9_.*]',
  'must be an error code such as ECONNRESET, with * at its end for any rest',
);
const grpcCode = either(integer(0, 16), words([...GRPC_STATUSES, 'default']), isNumber);

const codes = object(
  {},
  {
    statuses: [listOf(status, 100), 'HTTP statuses: 503, 5xx, 500-504; default stands for the usual ones.'],
    errors: [
      listOf(errorCode, 100),
      'Error codes: ECONNRESET, a SQLSTATE, a word of Redis; * at the end stands for any rest.',
    ],
    grpc: [listOf(grpcCode, 17), 'gRPC codes by name or number.'],
  },
);

const name: Shape = { check: breakerName, schema: { type: 'string', minLength: 1, maxLength: 120 } };
const callSpans = words(['failures', 'all', 'off']);
const method = pattern('[A-Z]+', 'must be a method in capitals, such as POST');
const methods = listOf(method, 20);

const guardFields: Fields = {
  preset: [words(Object.keys(presets)), 'Settings to start from.'],
  mode: [words(FILE_MODES), 'auto guards, shadow counts and reports but rejects nothing, disabled lets all through.'],
  ...SETTINGS_FIELDS,
  failures: [codes, 'Outcomes that say that the dependency is unwell, in place of the defaults.'],
  ignored: [codes, 'Outcomes that say nothing about the dependency.'],
  slow: [codes, 'Outcomes that count as slow however long they took.'],
  callSpans: [callSpans, 'Which calls have a span of their own.'],
};

const wireName: Fields = { name: [name, 'Unique on its breaker; default: the kind.'] };
const header = pattern("[A-Za-z0-9!#$%&'*+.^_`|~-]+", 'must be the name of a header');
const headers = mapOf((value, field) => header.check(value, field), text(8_192));
const origin = pattern(
  'https?://[^/?#\\s]+',
  'must be an http or https origin without a path, such as https://backup.example.com',
);
const size = integer(1, MOST_BYTES);

const wire = byKind({
  answer: [
    {},
    {
      ...wireName,
      methods: [methods, 'For these methods only; default: every one.'],
      status: [integer(200, 599), 'Default 200.'],
      headers: [headers, 'Headers of the answer.'],
      body: [text(1_000_000), 'The body as text.'],
      json: [anything, 'The body as JSON, in place of body.'],
    },
  ],
  cache: [
    {},
    {
      ...wireName,
      methods: [methods, 'Default GET and HEAD.'],
      maxItems: [integer(1, 100_000), 'Most answers kept.'],
      maxAgeMs: [integer(1, DAY_MS), 'Milliseconds after which an answer is too old to be given.'],
      maxBodyBytes: [size, 'Longer responses are not kept.'],
    },
  ],
  origin: [
    { origin: [origin, 'Where the same request goes.'] },
    { ...wireName, methods: [methods, 'For these methods only; default: every one.'] },
  ],
  buffer: [
    { methods: [methods, 'Which calls are held and replayed: they must be safe to repeat.'] },
    {
      ...wireName,
      spool: [
        either(
          words(['memory']),
          object({ sqlite: [pattern('\\S(?:.*\\S)?', 'must be the path of a file'), 'The file of a durable spool.'] }),
          (value) => typeof value === 'string',
        ),
        'Where calls are held; default memory.',
      ],
      capacity: [integer(1, 1_000_000), 'Most calls held.'],
      ttlMs: [integer(1, DAY_MS), 'Milliseconds after which a held call is given up.'],
      maxBodyBytes: [size, 'Longer requests are not held.'],
      orderBy: [
        either(
          words(['path']),
          object({ header: [header, 'Such as x-customer-id.'] }),
          (value) => typeof value === 'string',
        ),
        'Calls that share it are replayed in their order.',
      ],
      drainPerSecond: [integer(1, 100_000), 'Most replays a second.'],
    },
  ],
});

const breaker = object(
  {},
  {
    ...guardFields,
    wires: [listOf(wire, 16), 'Where calls go that it does not let through, in the order asked.'],
    wireMode: [words(['first', 'all']), 'first: the first wire that takes it; all: every wire gets it.'],
    wireTimeoutMs: [
      { check: nullable(integer(1, DAY_MS).check), schema: { type: ['integer', 'null'], minimum: 1, maximum: DAY_MS } },
      'Milliseconds that each wire has for its answer.',
    ],
  },
);

/** Those that register guards. Another word would be a rule that never holds, and nobody would be told. */
const CLIENTS = ['fetch', 'undici', 'http', 'grpc', 'pg', 'ioredis'];

const someOf = (one: Shape) => oneOrMore(one, 100);
const clients = someOf(
  either(
    words(CLIENTS),
    pattern('(?=.*\\*)[a-z*]{1,100}', `must be one of ${CLIENTS.join(', ')}, or a pattern with *`),
    (value) => CLIENTS.some((client) => client === value),
  ),
);
const methodPatterns = someOf(pattern('\\S{1,500}', 'must be 1 to 500 characters without spaces'));
// A socket of the system stands for a host by its path.
const hosts = someOf(
  pattern(
    '[^\\s/]{1,500}|[/*]\\S{0,499}',
    'must be a host, with or without its port, and without scheme and path, such as api.example.com',
  ),
);
const paths = someOf(pattern('[/*]\\S{0,499}', 'must begin with / or *, such as /v1/**'));

const rule = object({
  match: [
    object(
      {},
      {
        client: [clients, 'fetch, undici, http, grpc, pg, ioredis.'],
        method: [methodPatterns, 'HTTP method, gRPC method, SQL or Redis command.'],
        host: [hosts, 'api.example.com, *.example.com, localhost:8080; * stands for any characters.'],
        path: [paths, '/v1/charges, /v1/*; * stands for any characters but /, ** for any.'],
      },
    ),
    'All of these hold; an empty one matches everything.',
  ],
  breaker: [name, `A breaker of this file, or ${NO_BREAKER}: the call is left alone.`],
});

const unmatched = either(
  pattern(NO_BREAKER, `must be ${NO_BREAKER}, or the keys of a breaker, such as { mode: shadow }`),
  object({}, { ...guardFields, maxOrigins: [integer(1, 1_000), 'Most breakers of this kind; default 50.'] }),
  (value) => typeof value === 'string',
);

/** The whole file. */
export const CONFIG_SHAPE = object(
  {},
  {
    mode: [words(FILE_MODES), 'What breakers do that do not say; default auto.'],
    breakers: [mapOf(breakerName, breaker), 'Breakers by name.'],
    rules: [listOf(rule, 1_000), 'Which calls they guard; the first rule that matches decides.'],
    unmatched: [unmatched, 'Calls that no rule matches: a breaker for each origin (default: in shadow), or none.'],
    telemetry: [
      object(
        {},
        {
          callSpans: [callSpans, 'Which calls have a span of their own; default failures.'],
          instrumentations: [
            listOf(pattern('[a-z][a-z0-9-]*', 'must be the short name of an instrumentation, such as http'), 50),
            "OpenTelemetry's own instrumentations to start; default http and undici.",
          ],
        },
      ),
      'What is told of all calls.',
    ],
  },
);
