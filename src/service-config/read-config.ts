import { checkSettingsRules, describeProblem, type Problem } from '@switchgear/conventions';
import { type Document, isMap, isNode, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { CONFIG_SHAPE } from './config-shape.ts';
import { guardSettings } from './guard-settings.ts';
import { type GuardConfig, NO_BREAKER, type ServiceConfig } from './service-config.ts';

/** One thing that is wrong with the file, and where. */
export interface ConfigProblem {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** One sentence: "`breakers.payments.timeoutMs` must be an integer from 1 to 86400000, got 0". */
  readonly message: string;
}

export type ConfigReading =
  | { readonly config: ServiceConfig; readonly problems: readonly [] }
  | { readonly config: undefined; readonly problems: readonly ConfigProblem[] };

/** Aliases may blow a small file up to a huge one. */
const MOST_ALIASES = 100;

/** Reads the text of a `switchgear.yaml`. An empty one is a configuration that says nothing. It never throws. */
export function readConfig(text: string): ConfigReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    return refused(document.errors.map(({ pos, message }) => ({ ...at(pos[0]), message: firstLine(message) })));
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES }) ?? {};
  } catch (error) {
    return refused([{ line: 1, column: 1, message: firstLine((error as Error).message) }]);
  }
  const shape = CONFIG_SHAPE.check(value, '');
  const problems = shape.length > 0 ? shape : checkTogether(value as ServiceConfig);
  if (problems.length === 0) return { config: value as ServiceConfig, problems: [] };
  return refused(problems.map((problem) => ({ ...at(offsetOf(document, problem.field)), message: describe(problem) })));
}

function refused(problems: readonly ConfigProblem[]): ConfigReading {
  const inOrder = [...problems].sort((left, right) => left.line - right.line || left.column - right.column);
  return { config: undefined, problems: inOrder };
}

/** What no part of the file shows by itself. */
function checkTogether(config: ServiceConfig): Problem[] {
  const { breakers = {}, rules = [], unmatched } = config;
  const problems = Object.entries(breakers).flatMap(([name, breaker]) => [
    ...checkSettings(breaker, `breakers.${name}`),
    ...checkWires(breaker.wires ?? [], `breakers.${name}.wires`),
    ...(name === NO_BREAKER
      ? [{ field: `breakers.${name}`, rule: `must not be named ${NO_BREAKER}, which means no breaker`, value: name }]
      : []),
  ]);
  if (typeof unmatched === 'object') problems.push(...checkSettings(unmatched, 'unmatched'));
  rules.forEach(({ breaker }, index) => {
    if (breaker === NO_BREAKER || Object.hasOwn(breakers, breaker)) return;
    const known = [...Object.keys(breakers), NO_BREAKER].join(', ');
    const rule = `must be one that \`breakers\` has, or ${NO_BREAKER}: one of ${known}`;
    problems.push({ field: `rules[${index}].breaker`, rule, value: breaker });
  });
  return problems;
}

function checkSettings(guard: GuardConfig, field: string): Problem[] {
  return checkSettingsRules(guardSettings(guard)).map((problem) => ({
    ...problem,
    field: `${field}.${problem.field}`,
  }));
}

function checkWires(wires: NonNullable<ServiceConfig['breakers']>[string]['wires'], field: string): Problem[] {
  const names = new Set<string>();
  return (wires ?? []).flatMap((wire, index) => {
    const at = `${field}[${index}]`;
    const name = wire.name ?? wire.kind;
    const problems: Problem[] = [];
    if (names.has(name)) {
      problems.push({
        field: `${at}.name`,
        rule: 'must be unique on its breaker; it is the kind by default',
        value: name,
      });
    }
    names.add(name);
    if (wire.kind === 'answer' && wire.body !== undefined && wire.json !== undefined) {
      problems.push({ field: `${at}.json`, rule: 'must not stand beside body', value: wire.json });
    }
    if (wire.kind === 'buffer' && wire.methods.length === 0) {
      problems.push({ field: `${at}.methods`, rule: 'must name at least one method', value: wire.methods });
    }
    return problems;
  });
}

function describe(problem: Problem): string {
  return problem.field === '' ? describeProblem({ ...problem, field: 'the file' }) : describeProblem(problem);
}

/** Where a field begins; where it is missing, the nearest one around it. */
function offsetOf(document: Document, field: string): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (let rest = field; rest !== '' && isNode(node); ) {
    const step = stepInto(node, rest);
    if (!step) return offset;
    ({ node, rest } = step);
    offset = step.offset;
  }
  return offset;
}

interface Step {
  readonly node: unknown;
  readonly offset: number;
  readonly rest: string;
}

/** A name may have dots in it, so the longest key that fits is the one that is meant. */
function stepInto(node: Node, field: string): Step | undefined {
  if (isSeq(node)) {
    const [whole, digits] = /^\[(\d+)\]\.?/.exec(field) ?? [];
    if (whole === undefined) return undefined;
    const item = node.items[Number(digits)];
    return { node: item, offset: startOf(item), rest: field.slice(whole.length) };
  }
  if (!isMap(node)) return undefined;
  const fitting = node.items
    .map((pair) => ({ pair, key: String(isNode(pair.key) ? pair.key.toJSON() : pair.key) }))
    .filter(({ key }) => field === key || field.startsWith(`${key}.`) || field.startsWith(`${key}[`))
    .sort((left, right) => right.key.length - left.key.length)[0];
  if (!fitting) return undefined;
  const rest = field.slice(fitting.key.length).replace(/^\./, '');
  return { node: fitting.pair.value, offset: startOf(fitting.pair.key), rest };
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
