import type { BreakerObserver } from './observer.ts';
import { otelObserver } from './otel-observer.ts';

export function observerFor(choice: 'otel' | 'off' | BreakerObserver): BreakerObserver | undefined {
  if (choice === 'off') return undefined;
  return choice === 'otel' ? otelObserver() : choice;
}
