import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '../deadline.ts';
import { showsAll } from './shown.ts';
import type { CommandStep, Step } from './steps.ts';
import { Terminal } from './terminal.ts';

export interface ReaderOptions {
  /** Where the reader begins. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Commands that only look: they are repeated until they print what the page shows, for what they look at takes its time. */
  readonly looks: RegExp;
}

/** Does what a page says, step by step, and sees whether that prints what the page shows. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #terminals = new Map<string, Terminal>();
  #folder: string;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#folder = options.folder;
  }

  /** @throws Error where something else is printed than the page shows */
  async follow(step: Step): Promise<void> {
    if (step.kind === 'file') await writeFile(join(this.#folder, step.path), step.text);
    else if (step.kind === 'interrupt') await this.#terminal(step.terminal).interrupt();
    else if (step.kind === 'output') await this.#terminal(step.terminal).waitForLines(step.shown);
    else if (step.terminal !== '') await this.#start(step);
    else await this.#run(step);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#terminals.values()].map((terminal) => terminal.close()));
  }

  /** In a terminal with a name programs go on; the page shows how they begin. */
  async #start({ terminal, command, shown }: CommandStep): Promise<void> {
    this.#terminal(terminal).start(command);
    if (shown.length > 0) await this.#terminal(terminal).waitForLines(shown);
  }

  async #run({ command, shown }: CommandStep): Promise<void> {
    const terminal = this.#terminal('');
    const once = async () => {
      const { printed, exitCode } = await terminal.run(command);
      if (exitCode !== 0 || !showsAll(shown, printed))
        throw new Error(`exit code ${exitCode}, and it printed\n${printed}`);
      return true;
    };
    if (this.#options.looks.test(command)) await waitUntil(command, once, { everyMs: 250 });
    else await once();
    if (/\bcd /.test(command)) this.#folder = (await terminal.run('pwd')).printed.trim();
  }

  /** A new one opens in the folder where the reader is. */
  #terminal(name: string): Terminal {
    const there = this.#terminals.get(name);
    if (there) return there;
    const terminal = new Terminal(this.#folder, this.#options.env);
    this.#terminals.set(name, terminal);
    return terminal;
  }
}
