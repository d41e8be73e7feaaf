import type { Logger } from 'pino';
import type { DesiredStates } from './desired-state/desired-states.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Metrics } from './metrics.ts';
import type { AgentSessions } from './opamp/agent-sessions.ts';
import type { ControlPlaneOptions } from './options.ts';
import type { FleetMemory } from './store/fleet-memory.ts';
import type { Store } from './store/store.ts';

export interface UpkeepOptions {
  readonly fleet: Fleet;
  readonly desired: DesiredStates;
  readonly store: Store;
  readonly memory: FleetMemory;
  readonly sessions: AgentSessions;
  readonly metrics: Metrics;
  readonly options: ControlPlaneOptions;
  readonly now: () => number;
  readonly log: Logger;
}

/** Agents not heard of for this long are forgotten by the store too, in milliseconds: the fleet's default. */
const FORGET_AFTER_MS = 86_400_000;

/** What has to be done now and then: expiry every second, retention and last-seen times every minute. */
export function startUpkeep(parts: UpkeepOptions): { stop(): Promise<void> } {
  const everySecond = repeat(1_000, parts.log, () => second(parts));
  const everyMinute = repeat(60_000, parts.log, () => minute(parts));
  return {
    async stop() {
      await Promise.all([everySecond.stop(), everyMinute.stop()]);
      await parts.memory.flush();
      await parts.memory.touch(parts.fleet.agents());
    },
  };
}

async function second({ fleet, desired, memory }: UpkeepOptions): Promise<void> {
  fleet.sweep();
  await desired.sweep();
  await memory.flush();
}

async function minute({ fleet, store, memory, sessions, metrics, options, now }: UpkeepOptions): Promise<void> {
  const { maxCount, maxAgeMs } = options.retention;
  metrics.eventsPruned.inc(await store.pruneEvents({ before: now() - maxAgeMs, maxCount }));
  await memory.touch(fleet.agents());
  await store.forgetAgents(now() - FORGET_AFTER_MS);
  sessions.forget(now() - options.goneAfterMs);
}

/** Runs `work` again and again, one at a time; `stop` waits for the one that is under way. */
function repeat(everyMs: number, log: Logger, work: () => Promise<void>): { stop(): Promise<void> } {
  let running = Promise.resolve();
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    running = work()
      .catch((error: unknown) => log.error({ err: error }, 'upkeep failed; it is tried again'))
      .finally(() => {
        isRunning = false;
      });
  }, everyMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
