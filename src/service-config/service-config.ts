import type { BreakerMode, GrpcStatusName, SettingsPatch } from '@switchgear/conventions';

/** `switchgear.yaml`, as it stands in the file: what is left out has its default where it is read. */
export interface ServiceConfig {
  /** What breakers do that do not say: `auto` guards, `shadow` only counts and reports. Default `auto`. */
  readonly mode?: FileMode;
  /** By name. */
  readonly breakers?: Readonly<Record<string, BreakerConfig>>;
  /** Which calls they guard; the first rule that matches decides. */
  readonly rules?: readonly RuleConfig[];
  /** Calls that no rule matches. */
  readonly unmatched?: UnmatchedConfig | 'none';
  readonly telemetry?: TelemetryConfig;
}

export const FILE_MODES = ['auto', 'shadow', 'disabled'] as const satisfies readonly BreakerMode[];
export type FileMode = (typeof FILE_MODES)[number];

/** Which calls count as what: see `OutcomeCodes`. */
export interface OutcomesConfig {
  /** Say that the dependency is unwell; in place of the defaults. */
  readonly failures?: OutcomeCodes;
  /** Say nothing about it, whatever else they match. */
  readonly ignored?: OutcomeCodes;
  /** Count as slow however long they took. */
  readonly slow?: OutcomeCodes;
}

export interface OutcomeCodes {
  /** HTTP statuses: `503`, `5xx`, `500-504`. */
  readonly statuses?: readonly (number | string)[];
  /** Error codes: `ECONNRESET`, a SQLSTATE, a word of Redis; `*` at the end stands for any rest. */
  readonly errors?: readonly string[];
  /** gRPC codes by name or number. */
  readonly grpc?: readonly (number | GrpcStatusName | 'default')[];
}

/** What all breakers of the file can be told. */
export interface GuardConfig extends SettingsPatch, OutcomesConfig {
  /** Settings to start from. */
  readonly preset?: 'http' | 'database' | 'queue';
  readonly mode?: FileMode;
  /** Which calls have a span; default that of `telemetry`. */
  readonly callSpans?: 'failures' | 'all' | 'off';
}

export interface BreakerConfig extends GuardConfig {
  /** Where calls go that it does not let through, in the order asked. */
  readonly wires?: readonly WireConfig[];
  /** Default `first`. */
  readonly wireMode?: 'first' | 'all';
  /** Milliseconds that each wire has for an answer; default 5,000; null: as long as it takes. */
  readonly wireTimeoutMs?: number | null;
}

export type WireConfig = AnswerWireConfig | CacheWireConfig | OriginWireConfig | BufferWireConfig;

export interface AnswerWireConfig {
  readonly kind: 'answer';
  readonly name?: string;
  /** Default: every method. */
  readonly methods?: readonly string[];
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** In place of `body`. */
  readonly json?: unknown;
}

export interface CacheWireConfig {
  readonly kind: 'cache';
  readonly name?: string;
  /** Default GET and HEAD. */
  readonly methods?: readonly string[];
  readonly maxItems?: number;
  readonly maxAgeMs?: number;
  /** Responses with more bytes are not kept. */
  readonly maxBodyBytes?: number;
}

export interface OriginWireConfig {
  readonly kind: 'origin';
  readonly name?: string;
  /** Where the same request goes, such as `https://backup.example.com`. */
  readonly origin: string;
  /** Default: every method. */
  readonly methods?: readonly string[];
}

export interface BufferWireConfig {
  readonly kind: 'buffer';
  readonly name?: string;
  readonly methods: readonly string[];
  /** `memory` (default), or the file of a durable spool. */
  readonly spool?: 'memory' | { readonly sqlite: string };
  readonly capacity?: number;
  readonly ttlMs?: number;
  readonly maxBodyBytes?: number;
  /** Calls of one value of this header, or of one path, are replayed in their order. */
  readonly orderBy?: 'path' | { readonly header: string };
  readonly drainPerSecond?: number;
}

export interface MatchConfig {
  readonly client?: OneOrMore;
  /** HTTP method, gRPC method, SQL or Redis command. */
  readonly method?: OneOrMore;
  /** `api.example.com`, `*.example.com`, `localhost:8080`; `*` stands for any characters. */
  readonly host?: OneOrMore;
  /** `/v1/charges`, `/v1/*`: `*` stands for any characters but `/`, `**` for any. */
  readonly path?: OneOrMore;
}

export type OneOrMore = string | readonly string[];

export interface RuleConfig {
  /** All of these hold; empty matches everything. */
  readonly match: MatchConfig;
  /** A breaker of the file, or `none`: the call is left alone. */
  readonly breaker: string;
}

/** Calls that no rule matches have a breaker for each origin. */
export interface UnmatchedConfig extends GuardConfig {
  /** Most breakers of this kind, 1 to 1,000; default 50. Calls to further origins are left alone. */
  readonly maxOrigins?: number;
}

export interface TelemetryConfig {
  /** Which calls have a span; default `failures`. */
  readonly callSpans?: 'failures' | 'all' | 'off';
  /** OpenTelemetry's own instrumentations that register starts; default `http` and `undici`. */
  readonly instrumentations?: readonly string[];
}

/** A breaker of this name in a rule means that there is none. */
export const NO_BREAKER = 'none';
