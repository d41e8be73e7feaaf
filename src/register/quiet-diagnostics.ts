import type { DiagLogger } from '@opentelemetry/api';

/** Different problems that are remembered; beyond them the oldest may be told again. */
const MAX_KNOWN = 100;

/**
 * A logger for OpenTelemetry's own problems: one line each, and each line once. A collector that is down would
 * otherwise write a stack at every export.
 */
export class QuietDiagnostics implements DiagLogger {
  readonly #write: (line: string) => void;
  readonly #isHandled: (message: string) => boolean;
  readonly #known = new Set<string>();

  /** @param isHandled hears of each error first; one that it has dealt with is not told */
  constructor(
    write: (line: string) => void = (line) => process.stderr.write(line),
    isHandled: (message: string) => boolean = () => false,
  ) {
    this.#write = write;
    this.#isHandled = isHandled;
  }

  error(message: string, ...rest: unknown[]): void {
    if (!this.#isHandled(String(message))) this.#tell(message, rest);
  }

  warn(message: string, ...rest: unknown[]): void {
    this.#tell(message, rest);
  }

  info(): void {}
  debug(): void {}
  verbose(): void {}

  #tell(message: unknown, rest: readonly unknown[]): void {
    const line = explained([message, ...rest].map(oneLine).join(' '));
    if (this.#known.has(line)) return;
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.values().next().value as string);
    this.#known.add(line);
    this.#write(`switchgear: ${line}\n`);
  }
}

/** The link to the control plane speaks for itself. */
const OF_THE_LINK = /^control plane at /;
const UNREACHED = /\b(?:connect|getaddrinfo) (E[A-Z]+) (\S+?)\)?$/;
const REFUSED = /\b(Unauthorized|Forbidden)\b/;

/** An exporter says what failed, and not what it was for: one line for one cause, with what to do about it. */
function explained(line: string): string {
  if (OF_THE_LINK.test(line)) return line;
  const [, code, address] = UNREACHED.exec(line) ?? [];
  if (code !== undefined) {
    const remedy =
      'OTEL_EXPORTER_OTLP_ENDPOINT or SWITCHGEAR_URL says where it goes, OTEL_SDK_DISABLED=true turns it off';
    return `No telemetry reaches ${address} (${code}): ${remedy}`;
  }
  const [, word] = REFUSED.exec(line) ?? [];
  if (word === undefined) return line;
  return `Telemetry is refused where it goes (${word}): SWITCHGEAR_TOKEN is the control plane's agent token, OTEL_EXPORTER_OTLP_HEADERS is for others`;
}

/** The SDK reports an error as its properties in JSON, the stack among them. */
function oneLine(value: unknown): string {
  if (Array.isArray(value)) return [...new Set(value.map(oneLine))].join(', ');
  if (value instanceof Error) return value.message || String((value as NodeJS.ErrnoException).code ?? value.name);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return messageOf(text) ?? text.split('\n', 1)[0] ?? '';
}

function messageOf(text: string): string | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const { message, code } = JSON.parse(text) as { message?: string; code?: string };
    // An AggregateError of a failed connect has no message, only a code.
    const parts = code !== undefined && message?.includes(code) ? [message] : [message, code];
    return parts.filter((part) => part !== undefined && part !== '').join(' ') || undefined;
  } catch {
    return undefined;
  }
}
