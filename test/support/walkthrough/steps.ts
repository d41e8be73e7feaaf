/** What a reader of a page does, in the order of the page. */
export type Step = FileStep | CommandStep | InterruptStep | OutputStep;

interface At {
  /** Line of the page, from 1. */
  readonly line: number;
}

export interface FileStep extends At {
  readonly kind: 'file';
  readonly path: string;
  readonly text: string;
}

export interface CommandStep extends At {
  readonly kind: 'command';
  /** The word before `$`; empty for the terminal without a name. */
  readonly terminal: string;
  readonly command: string;
  /** Lines that it prints. */
  readonly shown: string[];
}

export interface InterruptStep extends At {
  readonly kind: 'interrupt';
  readonly terminal: string;
}

/** A line that a program prints later on, in a terminal where it runs. */
export interface OutputStep extends At {
  readonly kind: 'output';
  readonly terminal: string;
  readonly shown: string[];
}

/**
 * Every code block of a page as steps. A `console` block has commands (`$ …`, `name$ …`), Ctrl-C (`name$ ^C`), lines that a running
 * program prints (`name> …`), and what commands print below them. Any other block is a file that its first line names: `// app.mjs`.
 * @throws Error for a block that is neither
 */
export function stepsOf(page: string): Step[] {
  return [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, code = ''], index, all) => {
    const line = page.slice(0, all[index]!.index).split('\n').length + 1;
    return language === 'console' ? consoleSteps(code, line) : [fileStep(code, line)];
  });
}

function fileStep(code: string, line: number): FileStep {
  const path = /^(?:\/\/|#) (\S+\.\w+)\n/.exec(code)?.[1];
  if (path === undefined) throw new Error(`line ${line}: the first line of this block names no file`);
  return { kind: 'file', line, path, text: code };
}

function consoleSteps(code: string, firstLine: number): Step[] {
  const steps: Step[] = [];
  for (const [index, text] of code.trimEnd().split('\n').entries()) {
    const line = firstLine + index;
    const [, terminal = '', sign, rest = ''] = /^([a-z-]*)([$>]) (.*)$/.exec(text) ?? [];
    const last = steps.at(-1);
    if (sign === '$' && rest === '^C') steps.push({ kind: 'interrupt', line, terminal });
    else if (sign === '$') steps.push({ kind: 'command', line, terminal, command: rest, shown: [] });
    else if (sign === '>' && last?.kind === 'output' && last.terminal === terminal) last.shown.push(rest);
    else if (sign === '>') steps.push({ kind: 'output', line, terminal, shown: [rest] });
    else if (last?.kind === 'command') last.shown.push(text);
    else throw new Error(`line ${line}: no command has printed this`);
  }
  return steps;
}
