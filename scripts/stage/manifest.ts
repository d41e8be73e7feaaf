/** The fields of a workspace's `package.json` that staging looks at; the others stay as they are. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * A workspace's manifest as it is published: exports and commands lead to JavaScript, with its types beside it. A package of a scope
 * is private to it unless it says that it is not.
 */
export function stagedManifest({ devDependencies: _, exports, bin, ...rest }: Manifest): object {
  return {
    ...rest,
    ...(exports && { exports: mapValues(exports, stagedExport) }),
    ...(bin && { bin: mapValues(bin, (target) => withEnding(target, '.js')) }),
    publishConfig: { access: 'public' },
  };
}

function stagedExport(target: string): string | { types: string; default: string } {
  if (!target.endsWith('.ts')) return target;
  return { types: withEnding(target, '.d.ts'), default: withEnding(target, '.js') };
}

function withEnding(target: string, ending: string): string {
  return target.replace(/\.ts$/, ending);
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
}
