import { type Check, GRPC_STATUSES, object, type Problem } from '@switchgear/conventions';
import { DEFAULT_CODES } from './outcome-codes.ts';

/** Most codes in one list. */
const MOST_CODES = 200;

const STATUS_RULE = 'must be an HTTP status from 100 to 599: 503, 5xx or 500-504';
const ERROR_RULE =
  'must be the code or name of an error, 1 to 120 characters of A-Z a-z 0-9 _ . : -, or its beginning and *';
const GRPC_RULE = 'must be a gRPC status: its number from 0 to 16, or its name such as UNAVAILABLE';

const ERROR_CODE = /^(?:[A-Za-z0-9_.:-]{1,119}\*?|[A-Za-z0-9_.:-]{120}|\*)$/;
const STATUS_CODE = /^(?:[1-5]xx|[1-5]\d\d|[1-5]\d\d-[1-5]\d\d)$/;

const checkLists = object(
  {},
  {
    statuses: listOf(STATUS_RULE, isStatus),
    errors: listOf(ERROR_RULE, (code) => typeof code === 'string' && ERROR_CODE.test(code)),
    grpc: listOf(GRPC_RULE, isGrpcStatus),
  },
);

/** The lists of one outcome: `failures`, `ignored` or `slow`. Usable by whoever reads them from a file. */
export const checkOutcomeCodes: Check = (value, field) => checkLists(value, field);

export const checkOutcomes: Check = object(
  {},
  { failures: checkOutcomeCodes, ignored: checkOutcomeCodes, slow: checkOutcomeCodes },
);

function listOf(rule: string, accepts: (code: unknown) => boolean): Check {
  return (value, field) => {
    if (!Array.isArray(value) || value.length > MOST_CODES) {
      return [{ field, rule: `must be a list of at most ${MOST_CODES} codes`, value }];
    }
    return value.flatMap((code, index): Problem[] =>
      code === DEFAULT_CODES || accepts(code) ? [] : [{ field: `${field}[${index}]`, rule, value: code }],
    );
  };
}

function isStatus(code: unknown): boolean {
  if (typeof code === 'number') return Number.isInteger(code) && code >= 100 && code <= 599;
  if (typeof code !== 'string' || !STATUS_CODE.test(code)) return false;
  const [first, last = first] = code.split('-');
  return first! <= last!;
}

function isGrpcStatus(code: unknown): boolean {
  if (typeof code === 'number') return Number.isInteger(code) && code >= 0 && code < GRPC_STATUSES.length;
  return (GRPC_STATUSES as readonly unknown[]).includes(code);
}
