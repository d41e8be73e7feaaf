import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type BreakerReport,
  type DemoMessage,
  FAULTS,
  type FaultName,
  type ServiceMessage,
  type ServiceName,
} from './messages.ts';

export interface ServiceStart {
  readonly name: ServiceName;
  readonly env: Readonly<Record<string, string>>;
  readonly onMessage: (message: ServiceMessage) => void;
  /** A line it wrote, without the line's end. */
  readonly onLine: (line: string) => void;
  /** It ended without having been asked to. */
  readonly onDeath: (how: string) => void;
}

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;

/** One service in a process of its own, started through `node --import @switchgear/register` as a user's would be. */
export class ServiceProcess {
  readonly name: ServiceName;
  readonly url: string;
  readonly prometheusUrl: string | null;
  readonly instance: string;
  /** Its latest word on its breakers. */
  breakers: readonly BreakerReport[] = [];
  readonly #child: ChildProcess;
  #stopping = false;

  private constructor(start: ServiceStart, child: ChildProcess, ready: Extract<ServiceMessage, { type: 'ready' }>) {
    this.name = start.name;
    this.url = ready.url;
    this.prometheusUrl = ready.prometheusUrl;
    this.instance = ready.instance;
    this.#child = child;
    child.on('message', (message: ServiceMessage) => {
      if (message.type === 'stats') this.breakers = message.breakers;
      start.onMessage(message);
    });
    child.once('exit', (code, signal) => {
      if (!this.#stopping) start.onDeath(describeExit(code, signal));
    });
  }

  /** @throws Error where it does not come up */
  static async start(start: ServiceStart): Promise<ServiceProcess> {
    const child = fork(fileURLToPath(new URL(`./services/${start.name}.ts`, import.meta.url)), [], {
      execArgv: ['--import', import.meta.resolve('@switchgear/register')],
      // Each call has a breaker in the code already, which is what the demo shows.
      env: { ...process.env, SWITCHGEAR_GUARDS: 'off', ...start.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // In a process group of its own: Ctrl-C is the demo's to handle, which stops the services in their order.
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream! }).on('line', start.onLine);
    try {
      return new ServiceProcess(start, child, await readyMessage(child, start.name));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  setFault(fault: FaultName, active: boolean): void {
    if (FAULTS[fault].service === this.name) this.#send({ type: 'fault', fault, active });
  }

  /** Waits for its word on everything up to now. */
  async report(): Promise<void> {
    if (!this.#child.connected) return;
    const answered = new Promise<void>((resolve) => {
      const listen = (message: ServiceMessage) => {
        if (message.type !== 'stats') return;
        this.#child.off('message', listen);
        resolve();
      };
      this.#child.on('message', listen);
    });
    this.#send({ type: 'report' });
    await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 2_000))]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#send({ type: 'stop' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }

  #send(message: DemoMessage): void {
    // The callback takes the error of a process that ended just now; its death is told by the exit.
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

function readyMessage(child: ChildProcess, name: string): Promise<Extract<ServiceMessage, { type: 'ready' }>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} did not come up in ${READY_WITHIN_MS} ms`)),
      READY_WITHIN_MS,
    );
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${name} did not come up: ${describeExit(code, signal)}`));
    });
    child.on('message', function listen(message: ServiceMessage) {
      if (message.type !== 'ready') return;
      clearTimeout(timer);
      child.off('message', listen);
      resolve(message);
    });
  });
}

export function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ? `ended by ${signal}` : `ended with exit code ${code}`;
}
