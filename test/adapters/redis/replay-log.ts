import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What the dependency saw of the replays of all processes. The id of a call is `<key>/<number>`. */
export class ReplayLog {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The replays of a process that was killed are over. */
  noteKilled(pid: number): void {
    appendFileSync(this.path, `killed - ${pid}\n`);
  }

  events(): { kind: string; id: string; pid: string }[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const [kind = '', id = '', pid = ''] = line.split(' ');
      return { kind, id, pid };
    });
  }

  /** Ids whose replay ended, each once. */
  replayed(): Set<string> {
    return new Set(this.events().flatMap(({ kind, id }) => (kind === 'done' ? [id] : [])));
  }

  /** How many replays were not the first of their call. */
  repeated(): number {
    const started = this.events().filter(({ kind }) => kind === 'start');
    return started.length - new Set(started.map(({ id }) => id)).size;
  }

  /**
   * Where two replays of one key overlapped, or one began before an older one of its key had ended once, or after a newer one.
   * That a call is replayed again before the next of its key begins is as promised.
   * @param acknowledged ids of the calls that the spool has taken in; others may be in it or not
   */
  breaches(acknowledged: readonly string[]): string[] {
    const running = new Map<string, string>();
    const done = new Map<string, Set<number>>();
    const breaches: string[] = [];
    const numbers = numbersByKey(acknowledged);
    for (const { kind, id, pid } of this.events()) {
      const [key, number] = parse(id);
      const ended = done.get(key) ?? new Set();
      if (kind === 'killed') {
        for (const [other, owner] of running) if (owner === pid) running.delete(other);
      } else if (kind === 'done') {
        running.delete(key);
        done.set(key, ended.add(number));
      } else {
        if (running.has(key)) breaches.push(`${id} began during another of its key`);
        const skipped = numbers.get(key)?.find((older) => older < number && !ended.has(older));
        if (skipped !== undefined) breaches.push(`${id} began before ${key}/${skipped} had ended`);
        if (Math.max(...ended) > number) breaches.push(`${id} began after a newer one of its key`);
        running.set(key, pid);
      }
    }
    return breaches;
  }
}

function numbersByKey(ids: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const id of ids) {
    const [key, number] = parse(id);
    numbers.set(key, [...(numbers.get(key) ?? []), number]);
  }
  return numbers;
}

function parse(id: string): [key: string, number: number] {
  const [key = '', number] = id.split('/');
  return [key, Number(number)];
}
