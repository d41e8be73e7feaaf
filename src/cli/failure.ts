/** What the command ends with. Scripts branch on these, never on text. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notApplied: 3 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure with the one line the user is to read: what went wrong, and what to do about it. */
export class CliFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'CliFailure';
    this.exitCode = exitCode;
  }
}

export function usage(message: string): CliFailure {
  return new CliFailure(EXIT.usage, message);
}
