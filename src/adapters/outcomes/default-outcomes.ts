import type { OutcomeCodes } from './outcome-codes.ts';

/** What is a failure and what says nothing of the dependency, unless somebody says otherwise. */
export interface DefaultOutcomes {
  readonly failures: Required<OutcomeCodes>;
  readonly ignored: Required<OutcomeCodes>;
}

/** Who gave a call up, or never made it, was not let down by the dependency: the caller's abort, and a client used wrongly. */
const CALLERS_DOING = [
  'ABORT_ERR',
  'ERR_CANCELED',
  'ERR_INVALID_*',
  'UND_ERR_INVALID_ARG',
  'ERR_BAD_OPTION*',
  'BREAKER_LIMITED',
];

/** No answer, or one by which the server says that it is at fault. Every other status is an answer of a server that is well. */
export const HTTP_OUTCOMES: DefaultOutcomes = {
  failures: { statuses: ['5xx'], errors: ['*'], grpc: [] },
  ignored: { statuses: [], errors: CALLERS_DOING, grpc: [] },
};

/**
 * The server is out of reach, late, overloaded or broken. The other statuses tell the caller about its request, and CANCELLED
 * is its own doing.
 */
export const GRPC_OUTCOMES: DefaultOutcomes = {
  failures: {
    statuses: [],
    errors: ['*'],
    grpc: ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'INTERNAL', 'UNKNOWN', 'DATA_LOSS'],
  },
  ignored: { statuses: [], errors: CALLERS_DOING, grpc: [] },
};

/**
 * No connection (and 08, an exception of it), out of resources (53: connections, memory, disk), shut down or starting (57P0x),
 * its statement timeout (57014), a fault of its system (58) or of itself (XX). Every other SQLSTATE, such as a constraint that is
 * violated, a syntax error, a deadlock or a wrong password, is an answer about the query or the caller.
 */
export const PG_OUTCOMES: DefaultOutcomes = {
  failures: { statuses: [], errors: ['*', '08*', '53*', '57P0*', '57014', '58*', 'XX*'], grpc: [] },
  ignored: { statuses: [], errors: CALLERS_DOING, grpc: [] },
};

/**
 * No connection, or a server that cannot do its work now: it loads its data, is busy with a script, has no memory left, cannot write
 * to its disk or to enough replicas, is a replica itself, or its cluster is down or moving. Every other reply, such as WRONGTYPE
 * or NOSCRIPT, is an answer about the command.
 */
export const REDIS_OUTCOMES: DefaultOutcomes = {
  failures: {
    statuses: [],
    errors: [
      '*',
      'LOADING',
      'CLUSTERDOWN',
      'MASTERDOWN',
      'READONLY',
      'OOM',
      'BUSY',
      'TRYAGAIN',
      'MISCONF',
      'NOREPLICAS',
    ],
    grpc: [],
  },
  ignored: { statuses: [], errors: [...CALLERS_DOING, 'WatchError'], grpc: [] },
};

/** All of them in one: their codes do not meet, so a breaker need not know which client its calls come from. */
export const DEFAULT_OUTCOMES: DefaultOutcomes = {
  failures: merged((outcomes) => outcomes.failures),
  ignored: merged((outcomes) => outcomes.ignored),
};

function merged(part: (outcomes: DefaultOutcomes) => Required<OutcomeCodes>): Required<OutcomeCodes> {
  const parts = [HTTP_OUTCOMES, GRPC_OUTCOMES, PG_OUTCOMES, REDIS_OUTCOMES].map(part);
  return {
    statuses: [...new Set(parts.flatMap(({ statuses }) => statuses))],
    errors: [...new Set(parts.flatMap(({ errors }) => errors))],
    grpc: [...new Set(parts.flatMap(({ grpc }) => grpc))],
  };
}
