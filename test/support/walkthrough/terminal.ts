import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitUntil } from '../deadline.ts';
import { endOfShown } from './shown.ts';

/** Ended by `process.on('exit')` at the latest, with all that runs in it. */
const open = new Set<Terminal>();
process.on('exit', () => {
  for (const terminal of open) terminal.signal('SIGKILL');
});

/** A bash that runs one command after the other, as a terminal does: its folder, variables and functions last. */
export class Terminal {
  readonly #bash: ChildProcess;
  #output = '';
  /** Up to here the output was looked at. */
  #seen = 0;
  #isOpen = true;
  #commands = 0;

  constructor(folder: string, env: Readonly<Record<string, string | undefined>>) {
    // A process group of its own, which Ctrl-C reaches as a whole.
    this.#bash = spawn('bash', ['--norc', '--noprofile'], { cwd: folder, env, detached: true, stdio: 'pipe' });
    open.add(this);
    for (const stream of [this.#bash.stdout, this.#bash.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#bash.once('close', () => {
      this.#isOpen = false;
      open.delete(this);
    });
    // Ctrl-C ends what runs in it, not the shell itself.
    this.#bash.stdin?.write('trap : INT; exec 2>&1\n');
  }

  /** What was printed and not yet looked at. */
  get unseen(): string {
    return this.#output.slice(this.#seen);
  }

  /** Starts a command; the one before it must have ended, or be interrupted. */
  start(command: string): void {
    this.#commands += 1;
    this.#bash.stdin?.write(`{ ${command}\n} </dev/null; printf '\\n${this.#mark}%s\\n' $?\n`);
  }

  /** Runs a command to its end. */
  async run(command: string): Promise<{ printed: string; exitCode: number }> {
    this.#seen = this.#output.length;
    this.start(command);
    const ended = await this.#waitFor(`the end of "${command}"`, () => this.#end);
    const printed = this.unseen.slice(0, ended.index);
    this.#seen = this.#output.length;
    return { printed, exitCode: ended.exitCode };
  }

  /** Waits until these lines are printed, after what was looked at before. */
  async waitForLines(shown: readonly string[]): Promise<void> {
    let failure: Error | undefined;
    const end = await this.#waitFor(
      `"${shown.join('\n')}"`,
      () => {
        const at = endOfShown(shown, this.unseen);
        if (at >= 0) return { at };
        if (this.#end) failure = new Error(`it ended with ${this.#end.exitCode} before it printed this`);
        return undefined;
      },
      () => failure,
    );
    this.#seen += end.at;
  }

  /** Ctrl-C; resolves once what ran has ended. */
  async interrupt(): Promise<void> {
    this.signal('SIGINT');
    await this.#waitFor('an end after Ctrl-C', () => this.#end);
    this.#seen = this.#output.length;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.signal('SIGTERM');
    const force = setTimeout(() => this.signal('SIGKILL'), 5_000);
    await once(this.#bash, 'close');
    clearTimeout(force);
  }

  /** To the shell and all that it started. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#bash.pid!, signal);
    } catch {
      // It has ended.
    }
  }

  /** Printed by the shell when the last command has ended, with its exit code. */
  get #mark(): string {
    return `--- end of command ${this.#commands}: `;
  }

  get #end(): { readonly index: number; readonly exitCode: number } | undefined {
    const index = this.unseen.indexOf(this.#mark);
    const exitCode = /^(\d+)\n/.exec(this.unseen.slice(index + this.#mark.length))?.[1];
    return index < 0 || exitCode === undefined ? undefined : { index, exitCode: Number(exitCode) };
  }

  async #waitFor<Found>(what: string, look: () => Found | undefined, ended?: () => Error | undefined): Promise<Found> {
    const failure = () => ended?.() ?? (this.#isOpen ? undefined : new Error('the terminal has ended'));
    try {
      return await waitUntil(what, look, { deadlineMs: 60_000, failure });
    } catch (error) {
      throw new Error(`${(error as Error).message}; printed was:\n${this.unseen.slice(-2_000)}`, { cause: error });
    }
  }
}
