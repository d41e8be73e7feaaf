/** One family of Prometheus' text format. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** With `_bucket`, `_count` or `_sum` where it is of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads Prometheus' text format, version 0.0.4. @throws Error for a sample of no family, or a line that is none */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const family = (name: string) => {
    const known = families.get(name) ?? { name, type: '', help: '', samples: [] };
    families.set(name, known);
    return known;
  };
  for (const line of text.split('\n')) {
    const [, meta, about, words = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (about !== undefined) family(about)[meta === 'HELP' ? 'help' : 'type'] = words;
    if (line === '' || line.startsWith('#')) continue;
    const sample = readSample(line);
    const owner = families.get(sample.name) ?? families.get(sample.name.replace(/_(bucket|count|sum)$/, ''));
    if (!owner) throw new Error(`a sample of no family: ${line}`);
    owner.samples.push(sample);
  }
  return families;
}

function readSample(line: string): Sample {
  const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g)].map(([, key, text]) => [
    key,
    text!.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
  ]);
  return {
    name,
    labels: Object.fromEntries(pairs),
    value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
  };
}
