export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'dim' | 'strong';

const CODES: Readonly<Record<Tone, string>> = {
  plain: '',
  good: '\x1b[32m',
  bad: '\x1b[31m',
  warn: '\x1b[33m',
  dim: '\x1b[2m',
  strong: '\x1b[1m',
};
const RESET = '\x1b[0m';
const CLEAR_LINE = '\r\x1b[2K';

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Writes lines with the time before them, and on a terminal a status line that stays below them. */
export class Narrator {
  readonly #terminal: Terminal;
  readonly #isLive: boolean;
  readonly #hasColor: boolean;
  readonly #now: () => Date;
  #status = '';

  constructor(options: { terminal?: Terminal; env?: NodeJS.ProcessEnv; now?: () => Date } = {}) {
    const { terminal = process.stdout, env = process.env, now = () => new Date() } = options;
    this.#terminal = terminal;
    this.#isLive = terminal.isTTY === true && env.TERM !== 'dumb';
    this.#hasColor = this.#isLive && !env.NO_COLOR;
    this.#now = now;
  }

  /** Whether there is a status line that is worth renewing often. */
  get isLive(): boolean {
    return this.#isLive;
  }

  tell(text: string, tone: Tone = 'plain'): void {
    const time = this.#now().toTimeString().slice(0, 8);
    this.print(`${this.#paint(time, 'dim')}  ${this.#paint(text, tone)}`);
  }

  print(text: string): void {
    this.#terminal.write(`${this.#isLive && this.#status !== '' ? CLEAR_LINE : ''}${text}\n${this.#status}`);
  }

  /** Replaces the status line; where there is none it is an ordinary line. */
  status(text: string): void {
    if (!this.#isLive) {
      this.tell(text, 'dim');
      return;
    }
    // A line that wraps could not be cleared any more.
    const width = (this.#terminal.columns ?? 80) - 1;
    this.#status = this.#paint(text.length > width ? `${text.slice(0, width - 1)}…` : text, 'strong');
    this.#terminal.write(`${CLEAR_LINE}${this.#status}`);
  }

  /** Takes the status line away. */
  endStatus(): void {
    if (this.#status !== '') this.#terminal.write(CLEAR_LINE);
    this.#status = '';
  }

  #paint(text: string, tone: Tone): string {
    return this.#hasColor && CODES[tone] !== '' ? `${CODES[tone]}${text}${RESET}` : text;
  }
}
