import { disagreements } from './agreement.ts';
import { type ControlPlaneHandle, ControlPlaneKeeper } from './control-plane-keeper.ts';
import { existingControlPlane } from './existing-control-plane.ts';
import { FaultRunner, planFaults } from './faults.ts';
import type { DemoFlags } from './flags.ts';
import { Load } from './load.ts';
import { FAULTS } from './messages.ts';
import type { Narrator } from './narrator.ts';
import { writeReport } from './report-file.ts';
import { type Services, startServices } from './start-services.ts';
import { Story } from './story.ts';
import { complaints, type Summary, summaryLines } from './summary.ts';
import { askAll, claimsOf, statesOf, Tally } from './tally.ts';
import { addressLines, whereabouts } from './whereabouts.ts';

/** How long a buffer may go without becoming emptier once the traffic has ended. */
const DRAIN_STALLS_AFTER_MS = 15_000;
/** How long the control plane gets to hear of the last numbers: an export is due every second. */
const AGREE_WITHIN_MS = 10_000;
const LIVE_STATUS_EVERY_MS = 500;
const PLAIN_STATUS_EVERY_MS = 10_000;

/**
 * Runs the whole demo.
 * @param stop ends the traffic early, with everything that follows
 * @returns the exit code
 * @throws Error, in one sentence, where it cannot start
 */
export async function runDemo(flags: DemoFlags, narrator: Narrator, stop: AbortSignal): Promise<0 | 1> {
  const demo = new Demo(flags, narrator, stop);
  try {
    await demo.start();
    await demo.traffic();
    return await demo.finish();
  } finally {
    await demo.stopAll();
  }
}

class Demo {
  readonly #flags: DemoFlags;
  readonly #narrator: Narrator;
  readonly #stop: AbortSignal;
  readonly #tally: Tally;
  readonly #failures: string[] = [];
  readonly #failed = new AbortController();
  #controlPlane: ControlPlaneHandle | undefined;
  #services: Services | undefined;
  #load: Load | undefined;
  #faults: FaultRunner | undefined;
  #startedAt = 0;

  constructor(flags: DemoFlags, narrator: Narrator, stop: AbortSignal) {
    this.#flags = flags;
    this.#narrator = narrator;
    this.#stop = stop;
    this.#tally = new Tally(new Story((text, tone) => narrator.tell(text, tone)));
  }

  async start(): Promise<void> {
    const tell = this.#narrator.tell.bind(this.#narrator);
    this.#controlPlane = this.#flags.controlPlane
      ? await ControlPlaneKeeper.start({
          port: this.#flags.port,
          dataFolder: this.#flags.dataFolder,
          tell,
          onRestart: () => this.#writeReport(),
        })
      : await existingControlPlane(process.env);
    this.#services = await startServices({
      controlPlane: this.#controlPlane,
      metricsPorts: this.#flags.metricsPorts,
      onMessage: (service, message) => this.#tally.hear(service, message),
      onLine: (service, line) => {
        // Its address is in the list below.
        if (!line.startsWith('switchgear: Prometheus endpoint on ')) tell(`${service}: ${line}`, 'dim');
      },
      onDeath: (service, how) => this.#fail(`${service} ${how}`),
      onPortTaken: (service, port) =>
        tell(`port ${port} for the metrics of ${service} is taken; a free one is used`, 'warn'),
    });
    await askAll(this.#services);
    this.#load = new Load(this.#services.shop.url, this.#flags.rate);
    this.#writeReport();
    for (const line of addressLines(this.#controlPlane, this.#services)) this.#narrator.print(line);
  }

  /** Sends orders and switches faults until the time is over, the user has had enough or a service died. */
  async traffic(): Promise<void> {
    const { forSeconds, seed } = this.#flags;
    const forMs = forSeconds === null ? null : forSeconds * 1_000;
    this.#faults = new FaultRunner(planFaults(forMs, seed), (fault, active) => {
      this.#services![FAULTS[fault].service].setFault(fault, active);
      this.#narrator.tell(active ? `FAULT  ${FAULTS[fault].text}` : `WELL   over: ${FAULTS[fault].text}`, 'warn');
    });
    this.#startedAt = performance.now();
    this.#load!.start();
    this.#faults.start();
    const everyMs = this.#narrator.isLive ? LIVE_STATUS_EVERY_MS : PLAIN_STATUS_EVERY_MS;
    const status = setInterval(() => this.#narrator.status(this.#status()), everyMs);
    await untilAborted(AbortSignal.any([this.#stop, this.#failed.signal]), forMs);
    clearInterval(status);
    this.#narrator.endStatus();
    this.#faults.stop();
    await this.#load!.stop();
  }

  async finish(): Promise<0 | 1> {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    this.#narrator.tell(
      'The traffic has ended; buffers empty themselves, the control plane is asked what it saw',
      'dim',
    );
    const held = await this.#drain();
    if (held > 0)
      this.#failures.push(`${held} calls are still held: ${statesOf(this.#services!) || 'their breaker is closed'}`);
    const claims = async () => {
      await askAll(this.#services!);
      return claimsOf(this.#services!);
    };
    const disagreed = await disagreements(this.#controlPlane!, claims, AGREE_WITHIN_MS);
    this.#failures.push(...disagreed);
    await this.#stopServices();
    const summary = this.#summary();
    const reasons = [...this.#failures, ...complaints(summary)];
    this.#writeReport({ summary, reasons, seconds });
    this.#narrator.print(`\n${summaryLines(summary, seconds).join('\n')}\n`);
    const seen = claimsOf(this.#services!).length;
    if (disagreed.length === 0)
      this.#narrator.print(`The control plane saw all ${seen} breakers, and agrees on every state and count.`);
    for (const reason of reasons) this.#narrator.print(`Failed: ${reason}`);
    return reasons.length === 0 ? 0 : 1;
  }

  async stopAll(): Promise<void> {
    this.#narrator.endStatus();
    this.#faults?.stop();
    await this.#stopServices();
    await this.#controlPlane?.stop();
  }

  #fail(reason: string): void {
    this.#narrator.tell(reason, 'bad');
    this.#failures.push(reason);
    this.#failed.abort();
  }

  /** @returns calls still held when the drain stalled */
  async #drain(): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    let end = 0;
    for (;;) {
      await askAll(this.#services!);
      const { held } = this.#summary();
      if (held < least) {
        least = held;
        end = performance.now() + DRAIN_STALLS_AFTER_MS;
      }
      if (held === 0 || performance.now() >= end || this.#failed.signal.aborted) return held;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  #summary(): Summary {
    return this.#tally.summary(this.#services!, this.#load!);
  }

  /** The shop first: it calls the others. */
  async #stopServices(): Promise<void> {
    await this.#services?.shop.stop();
    await Promise.all([this.#services?.payments.stop(), this.#services?.inventory.stop()]);
  }

  #status(): string {
    const { orders, held, diverted, replayed } = this.#summary();
    const seconds = Math.floor((performance.now() - this.#startedAt) / 1_000);
    const left = this.#flags.forSeconds === null ? '' : `/${this.#flags.forSeconds}`;
    const numbers = `${orders.sent} orders, ${diverted} diverted, ${held} held, ${replayed} replayed`;
    return `${seconds}${left} s · ${numbers} · ${statesOf(this.#services!) || 'all closed'}`;
  }

  #writeReport(end: object = {}): void {
    if (this.#flags.jsonFile === null || !this.#services) return;
    writeReport(this.#flags.jsonFile, { ...whereabouts(this.#controlPlane!, this.#services), ...end });
  }
}

function untilAborted(signal: AbortSignal, timeoutMs: number | null): Promise<void> {
  return new Promise((resolve) => {
    const timer = timeoutMs === null ? undefined : setTimeout(resolve, timeoutMs);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
