import type { Breaker } from '@switchgear/breaker';
import { startSwitchgear } from '@switchgear/register/start';
import type { DemoMessage, FaultName, ServiceMessage } from '../messages.ts';
import type { HttpListener } from './http-listener.ts';

export interface ServiceParts {
  readonly listener: HttpListener;
  readonly breakers: readonly Pick<Breaker, 'name' | 'state' | 'stats' | 'onTransition' | 'close'>[];
  readonly faults?: Partial<Record<FaultName, (active: boolean) => void | Promise<void>>>;
  /** What to tell beside the stats. */
  readonly report?: () => ServiceMessage | undefined;
  /** Ends what the service has besides its listener and breakers. */
  readonly close?: () => Promise<void>;
}

const REPORT_EVERY_MS = 250;

/** Opens the service and obeys the demo over IPC, until it says stop or is gone. */
export async function runService(parts: ServiceParts): Promise<void> {
  // The one that `--import @switchgear/register` started.
  const switchgear = startSwitchgear();
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: DemoMessage) => void obey(message));
  for (const breaker of parts.breakers) {
    breaker.onTransition(({ from, to, reason }) =>
      tell({ type: 'transition', breaker: breaker.name, from, to, reason }),
    );
  }
  await parts.listener.open();
  const prometheusUrl = await switchgear.prometheusUrl;
  tell({ type: 'ready', url: parts.listener.url, prometheusUrl, instance: switchgear.serviceInstanceId });
  const timer = setInterval(report, REPORT_EVERY_MS);

  async function obey(message: DemoMessage): Promise<void> {
    if (message.type === 'fault') await parts.faults?.[message.fault]?.(message.active);
    if (message.type === 'report') report();
    if (message.type === 'stop') await stop();
  }

  function report(): void {
    const extra = parts.report?.();
    if (extra) tell(extra);
    tell({
      type: 'stats',
      breakers: parts.breakers.map((breaker) => ({
        breaker: breaker.name,
        state: breaker.state,
        stats: breaker.stats(),
      })),
    });
  }

  async function stop(): Promise<void> {
    clearInterval(timer);
    await parts.listener.close();
    await Promise.all(parts.breakers.map((breaker) => breaker.close()));
    report();
    await parts.close?.();
    await switchgear.shutdown();
    process.exit(0);
  }
}

function tell(message: ServiceMessage): void {
  if (process.connected) process.send?.(message);
}
