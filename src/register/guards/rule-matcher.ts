import type { OutgoingCall } from '@switchgear/adapters/outgoing';
import type { MatchConfig, RuleConfig } from '@switchgear/service-config';

/** Tells the breaker's name that the first matching rule gives a call; undefined where none matches. */
export type MatchRules = (call: OutgoingCall) => string | undefined;

type Part = keyof MatchConfig & keyof OutgoingCall;
type Test = (value: string) => boolean;

/** What a `*` stands for: within a path, everything up to the next slash. */
const WILDCARDS: Readonly<Record<Part, readonly [one: string, two: string]>> = {
  client: ['.*', '.*'],
  method: ['.*', '.*'],
  host: ['.*', '.*'],
  path: ['[^/]*', '.*'],
};
const PARTS = Object.keys(WILDCARDS) as Part[];

/** Compiles rules once; a call is compared with one after the other, in the order of the file. */
export function compileRules(rules: readonly RuleConfig[]): MatchRules {
  const compiled = rules.map(({ match, breaker }) => ({
    breaker,
    tests: PARTS.flatMap((part) => {
      const wanted = match[part];
      return wanted === undefined ? [] : [{ part, holds: testOf(part, [wanted].flat()) }];
    }),
  }));
  return (call) => compiled.find(({ tests }) => tests.every(({ part, holds }) => fits(call, part, holds)))?.breaker;
}

/** Where a port is left out of a call's host it is the scheme's own; people copy it from a connection string all the same. */
const OWN_PORTS: Readonly<Record<string, string>> = {
  http: '80',
  https: '443',
  postgres: '5432',
  redis: '6379',
  rediss: '6379',
};

function fits(call: OutgoingCall, part: Part, holds: Test): boolean {
  if (holds(call[part])) return true;
  if (part !== 'host' || /:\d+$/.test(call.host)) return false;
  const port = OWN_PORTS[call.origin.slice(0, call.origin.indexOf(':'))];
  return port !== undefined && holds(`${call.host}:${port}`);
}

/** Hosts and methods are the same in capitals and without; paths are not. */
function testOf(part: Part, patterns: readonly string[]): Test {
  const fold = part === 'path' ? (text: string) => text : (text: string) => text.toLowerCase();
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')).map(fold));
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => expressionOf(part, fold(pattern)));
  return (value) => {
    const folded = fold(value);
    return exact.has(folded) || wild.some((expression) => expression.test(folded));
  };
}

function expressionOf(part: Part, pattern: string): RegExp {
  const [one, two] = WILDCARDS[part];
  const source = pattern
    .split(/(\*+)/)
    .map((piece) => (piece.startsWith('*') ? (piece.length > 1 ? two : one) : literally(piece)))
    .join('');
  return new RegExp(`^${source}$`, 'su');
}

function literally(text: string): string {
  return text.replace(/[\\^$.+?()[\]{}|/]/g, '\\$&');
}
