import type { Switchgear } from './start.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Lets the last telemetry out before the process ends. Where the application handles a signal itself, it stays in charge:
 * what there is is sent at once, and the rest when its event loop runs dry. Where it does not, the signal ends the process
 * as it would have without us, only after the telemetry is out; a second one ends it at once.
 */
export function flushAtProcessEnd(switchgear: Pick<Switchgear, 'flush' | 'shutdown'>, target = process): void {
  for (const signal of SIGNALS) {
    let isEnding = false;
    const end = () => {
      target.removeListener(signal, handler);
      // A listener that came meanwhile is the application's own answer to the signal.
      target.kill(target.pid, signal);
    };
    const handler = () => {
      if (target.listenerCount(signal) > 1) {
        void switchgear.flush();
        return;
      }
      if (isEnding) {
        end();
        return;
      }
      isEnding = true;
      void switchgear.shutdown().then(end);
    };
    target.on(signal, handler);
  }
  target.once('beforeExit', () => void switchgear.shutdown());
}
