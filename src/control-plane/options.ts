import type { Logger } from 'pino';
import type { Tokens } from './auth/tokens.ts';
import { parseStoreUrl, type StoreLocation } from './store/open-store.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ControlPlaneOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host: string;
  /** 0 to 65535; 0 takes a free one. Default 4390. */
  readonly port: number;
  readonly store: StoreLocation;
  readonly tokens: Tokens;
  /** Milliseconds without news after which an agent is stale. Default 90,000. */
  readonly staleAfterMs: number;
  /** Milliseconds without news after which an agent is gone; above `staleAfterMs`. Default 600,000. */
  readonly goneAfterMs: number;
  readonly retention: EventRetention;
  readonly logLevel: LogLevel;
  /** Wall clock in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Default: JSON lines on stderr at `logLevel`. */
  readonly log?: Logger;
}

/** Events above either bound are removed, the oldest first. */
export interface EventRetention {
  readonly maxCount: number;
  readonly maxAgeMs: number;
}

/** One variable of the environment that is wrong. Its message is one line for a terminal. */
export class OptionError extends Error {
  readonly code = 'BAD_OPTION';

  constructor(variable: string, rule: string, shown: string) {
    super(`${variable} ${rule}, got ${shown}`);
    this.name = 'OptionError';
  }
}

/** The variables, with their defaults, as `--help` prints them. */
export const VARIABLES = [
  ['SWITCHGEAR_HOST', '127.0.0.1', 'address to listen on'],
  ['SWITCHGEAR_PORT', '4390', 'port to listen on; 0 takes a free one and prints it'],
  ['SWITCHGEAR_STORE', 'sqlite:./data/switchgear.db', 'sqlite:<path>, or sqlite::memory: to keep nothing'],
  ['SWITCHGEAR_TOKEN', 'made at first start', 'operator token: may do everything'],
  ['SWITCHGEAR_AGENT_TOKEN', 'made at first start', 'agent token: may send telemetry and take desired state'],
  ['SWITCHGEAR_VIEWER_TOKEN', 'none', 'viewer token: may read'],
  ['SWITCHGEAR_STALE_AFTER_MS', '90000', 'milliseconds without news after which an instance is stale'],
  ['SWITCHGEAR_GONE_AFTER_MS', '600000', 'milliseconds without news after which an instance is gone'],
  ['SWITCHGEAR_EVENT_RETENTION', '100000,30d', 'most events kept, and their greatest age in days (d) or hours (h)'],
  ['SWITCHGEAR_LOG_LEVEL', 'info', LOG_LEVELS.join(', ')],
] as const;

/**
 * Reads the options from the environment; an empty variable counts as absent.
 * @throws OptionError naming variable, rule and value; a token's value is never shown.
 */
export function readOptions(environment: Readonly<Record<string, string | undefined>>): ControlPlaneOptions {
  const read = (variable: (typeof VARIABLES)[number][0]) => environment[variable]?.trim() || undefined;
  const staleAfterMs = integer('SWITCHGEAR_STALE_AFTER_MS', read('SWITCHGEAR_STALE_AFTER_MS') ?? '90000', 1, DAY_MS);
  const goneAfterMs = integer('SWITCHGEAR_GONE_AFTER_MS', read('SWITCHGEAR_GONE_AFTER_MS') ?? '600000', 1, DAY_MS);
  if (goneAfterMs <= staleAfterMs) {
    const rule = `must be above SWITCHGEAR_STALE_AFTER_MS (${staleAfterMs})`;
    throw new OptionError('SWITCHGEAR_GONE_AFTER_MS', rule, String(goneAfterMs));
  }
  return {
    host: host(read('SWITCHGEAR_HOST') ?? '127.0.0.1'),
    port: integer('SWITCHGEAR_PORT', read('SWITCHGEAR_PORT') ?? '4390', 0, 65_535),
    store: store(read('SWITCHGEAR_STORE') ?? 'sqlite:./data/switchgear.db'),
    tokens: tokens({
      operator: read('SWITCHGEAR_TOKEN'),
      agent: read('SWITCHGEAR_AGENT_TOKEN'),
      viewer: read('SWITCHGEAR_VIEWER_TOKEN'),
    }),
    staleAfterMs,
    goneAfterMs,
    retention: retention(read('SWITCHGEAR_EVENT_RETENTION') ?? '100000,30d'),
    logLevel: logLevel(read('SWITCHGEAR_LOG_LEVEL') ?? 'info'),
  };
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Below it a token can be guessed over the network: it is taken, with a warning. */
export const SAFE_TOKEN_LENGTH = 16;

function integer(variable: string, text: string, min: number, max: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new OptionError(variable, `must be an integer from ${min} to ${max}`, JSON.stringify(text));
}

function host(text: string): string {
  if (/^[A-Za-z0-9._:%-]{1,253}$/.test(text)) return text;
  throw new OptionError('SWITCHGEAR_HOST', 'must be an address or a host name', JSON.stringify(text));
}

function store(url: string): StoreLocation {
  const location = parseStoreUrl(url);
  if (!('rule' in location)) return location;
  // The address of a database may carry a password.
  const shown = url.replace(/\/\/[^@/]*@/, '//…@');
  throw new OptionError('SWITCHGEAR_STORE', location.rule, JSON.stringify(shown));
}

function tokens(given: Readonly<Record<keyof typeof TOKEN_VARIABLES, string | undefined>>): Tokens {
  const seen = new Map<string, string>();
  const result: { -readonly [Role in keyof Tokens]: Tokens[Role] } = {};
  for (const role of ['operator', 'agent', 'viewer'] as const) {
    const token = given[role];
    if (token === undefined) continue;
    const variable = TOKEN_VARIABLES[role];
    if (!/^[\x21-\x7e]{1,512}$/.test(token)) {
      const rule = 'must be 1 to 512 printable characters without spaces';
      throw new OptionError(variable, rule, `${token.length} characters`);
    }
    const twin = seen.get(token);
    if (twin) throw new OptionError(variable, `must differ from ${twin}`, 'the same token');
    seen.set(token, variable);
    result[role] = token;
  }
  return result;
}

const TOKEN_VARIABLES = {
  operator: 'SWITCHGEAR_TOKEN',
  agent: 'SWITCHGEAR_AGENT_TOKEN',
  viewer: 'SWITCHGEAR_VIEWER_TOKEN',
} as const;

function retention(text: string): EventRetention {
  const match = /^(\d{1,9}),(\d{1,5})([dh])$/.exec(text);
  const maxCount = Number(match?.[1]);
  const maxAgeMs = Number(match?.[2]) * (match?.[3] === 'd' ? DAY_MS : HOUR_MS);
  if (match && maxCount >= 1 && maxCount <= 10_000_000 && maxAgeMs >= HOUR_MS) return { maxCount, maxAgeMs };
  const rule = 'must be a count from 1 to 10000000 and an age of at least 1h, such as 100000,30d';
  throw new OptionError('SWITCHGEAR_EVENT_RETENTION', rule, JSON.stringify(text));
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level) return level;
  throw new OptionError('SWITCHGEAR_LOG_LEVEL', `must be one of ${LOG_LEVELS.join(', ')}`, JSON.stringify(text));
}
