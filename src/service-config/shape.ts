import {
  type Check,
  integer as integerCheck,
  isRecord,
  object as objectCheck,
  oneOf,
  recordOf,
  type SettingLimit,
} from '@switchgear/conventions';

/** JSON Schema, draft 2020-12, as far as it is used here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One description of a part of the file: what it is checked by, and what editors are told of it. */
export interface Shape {
  readonly check: Check;
  readonly schema: JsonSchema;
}

/** A field of an object: its shape, and one sentence on what it means. */
export type Fields = Readonly<Record<string, readonly [Shape, string]>>;

export function object(required: Fields, optional: Fields = {}): Shape {
  return {
    check: objectCheck(checksOf(required), checksOf(optional)),
    schema: {
      type: 'object',
      properties: { ...schemasOf(required), ...schemasOf(optional) },
      ...(Object.keys(required).length > 0 && { required: Object.keys(required) }),
      additionalProperties: false,
    },
  };
}

/** An object of which `kind` says what else it has. */
export function byKind(kinds: Readonly<Record<string, readonly [required: Fields, optional: Fields]>>): Shape {
  const names = Object.keys(kinds);
  const shapes = Object.fromEntries(
    names.map((name) => {
      const [required, optional] = kinds[name]!;
      return [name, object({ kind: [word(name), 'What sort it is.'], ...required }, optional)];
    }),
  );
  const checkKind = oneOf(names);
  return {
    check(value, field) {
      if (!isRecord(value)) return [{ field, rule: 'must be an object', value }];
      const problems = checkKind(value.kind, `${field}.kind`);
      return problems.length > 0 ? problems : shapes[String(value.kind)]!.check(value, field);
    },
    schema: { oneOf: names.map((name) => shapes[name]!.schema) },
  };
}

/** A map from names that pass `key` to items. */
export function mapOf(key: Check, item: Shape): Shape {
  return {
    check: recordOf(key, item.check),
    schema: { type: 'object', additionalProperties: item.schema },
  };
}

export function listOf(item: Shape, most: number): Shape {
  return {
    check(value, field) {
      if (!Array.isArray(value) || value.length > most) {
        return [{ field, rule: `must be a list of at most ${most}`, value }];
      }
      return value.flatMap((entry, index) => item.check(entry, `${field}[${index}]`));
    },
    schema: { type: 'array', maxItems: most, items: item.schema },
  };
}

/** One item, or a list of at least one. */
export function oneOrMore(item: Shape, most: number): Shape {
  const list = listOf(item, most);
  const check: Check = (value, field) => {
    if (!Array.isArray(value)) return item.check(value, field);
    return value.length === 0 ? [{ field, rule: 'must name at least one', value }] : list.check(value, field);
  };
  return {
    check,
    schema: { anyOf: [item.schema, { ...list.schema, minItems: 1 }] },
  };
}

/** The first whose `schema.type` fits is what a value is checked by. */
export function either(first: Shape, second: Shape, isFirst: (value: unknown) => boolean): Shape {
  return {
    check: (value, field) => (isFirst(value) ? first : second).check(value, field),
    schema: { anyOf: [first.schema, second.schema] },
  };
}

export function words(names: readonly string[]): Shape {
  return { check: oneOf(names), schema: { type: 'string', enum: [...names] } };
}

function word(name: string): Shape {
  return { check: oneOf([name]), schema: { const: name } };
}

/** Text that matches the whole of `pattern`; `rule` says so, as the end of a sentence. */
export function pattern(expression: string, rule: string): Shape {
  const whole = new RegExp(`^(?:${expression})$`, 'u');
  return {
    check: (value, field) => (typeof value === 'string' && whole.test(value) ? [] : [{ field, rule, value }]),
    schema: { type: 'string', pattern: whole.source },
  };
}

export function integer(min: number, max: number): Shape {
  return { check: integerCheck(min, max), schema: settingSchema({ kind: 'integer', min, max, nullable: false }) };
}

export const anything: Shape = { check: () => [], schema: {} };

export function text(max: number): Shape {
  const rule = `must be a string of at most ${max} characters`;
  return {
    check: (value, field) => (typeof value === 'string' && value.length <= max ? [] : [{ field, rule, value }]),
    schema: { type: 'string', maxLength: max },
  };
}

export function settingSchema(limit: SettingLimit): JsonSchema {
  if (limit.kind === 'boolean') return { type: 'boolean' };
  if (limit.kind === 'risingRatios') {
    const item = { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 };
    return { type: 'array', maxItems: limit.most, items: item };
  }
  const { kind, min, max, nullable } = limit;
  const name = kind === 'integer' ? 'integer' : 'number';
  const lower = kind === 'ratio' ? { exclusiveMinimum: min } : { minimum: min };
  return { type: nullable ? [name, 'null'] : name, ...lower, maximum: max };
}

function checksOf(fields: Fields): Record<string, Check> {
  return Object.fromEntries(Object.entries(fields).map(([name, [shape]]) => [name, shape.check]));
}

function schemasOf(fields: Fields): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, [shape, description]]) => [name, { ...shape.schema, description }]),
  );
}
