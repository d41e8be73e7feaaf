import type { SettingsPatch } from '@switchgear/conventions';
import { exactSpan } from './duration.ts';
import type { BreakerInstance } from './views.ts';

/** A label and what is to be said under it. */
export type Fact = readonly [label: string, text: string];

/** The settings in effect on the live instances; on all where none is live. Where they differ, those of the most. */
export function settingsFacts(instances: readonly BreakerInstance[]): Fact[] {
  const live = instances.filter(({ liveness }) => liveness === 'live');
  const reported = (live.length > 0 ? live : instances).flatMap(({ settings }) => settings ?? []);
  if (reported.length === 0) return [['settings', 'unknown: no instance has reported them']];
  const texts = reported.map((settings) => JSON.stringify(settings));
  const timesOf = (text: string) => texts.filter((other) => other === text).length;
  const most = texts.reduce((best, text) => (timesOf(text) > timesOf(best) ? text : best));
  const times = timesOf(most);
  const others = times < texts.length ? [`as on ${times} of ${texts.length} instances; --json has the others`] : [];
  return [...others.map((text): Fact => ['settings', text]), ...factsOf(JSON.parse(most) as SettingsPatch)];
}

/** An older control plane leaves out the settings that it does not know; they are not told of. */
function factsOf({ trip = {}, cooldownMs, halfOpen = {}, timeoutMs, maxConcurrent }: SettingsPatch): Fact[] {
  return [
    ['trips at', tripText(trip)],
    ...(trip.windowMs === undefined ? [] : [['window', windowText(trip)] as const]),
    ...(trip.slowMs ? [['slow call', slowText(trip)] as const] : []),
    ...(trip.debounceMs ? [['debounce', `failures within ${exactSpan(trip.debounceMs)} count once`] as const] : []),
    ...(cooldownMs === undefined ? [] : [['cooldown', cooldownText(cooldownMs)] as const]),
    ['recovery', recoveryText(halfOpen)],
    ['timeout', timeoutMs ? exactSpan(timeoutMs) : 'none'],
    ...(maxConcurrent ? [['limit', `${maxConcurrent} calls in flight`] as const] : []),
  ];
}

type Trip = NonNullable<SettingsPatch['trip']>;

function tripText({ failureRatio, slowRatio, failures, consecutive }: Trip): string {
  const rules = [
    failureRatio && `${percent(failureRatio)} failed`,
    slowRatio && `${percent(slowRatio)} slow`,
    failures && plural(failures, 'failure'),
    consecutive && `${plural(consecutive, 'failure')} in a row`,
  ];
  return listed(rules.filter((rule) => typeof rule === 'string')) || 'nothing';
}

function windowText({ windowMs = 0, windowCalls, minimumCalls }: Trip): string {
  const length = windowCalls ? `the last ${plural(windowCalls, 'call')}` : `the last ${exactSpan(windowMs)}`;
  return minimumCalls === undefined ? length : `${length}; a share counts from ${plural(minimumCalls, 'call')} on`;
}

function slowText({ slowMs, countOverdue }: Trip): string {
  return `over ${exactSpan(slowMs ?? 0)}${countOverdue ? ', also while it is in flight' : ''}`;
}

function cooldownText(cooldown: NonNullable<SettingsPatch['cooldownMs']>): string {
  if (typeof cooldown === 'number') return exactSpan(cooldown);
  const { baseMs, maxMs, factor, jitter } = cooldown;
  const growth = factor === undefined ? '' : `, ${factor} times as long each time`;
  const longest = maxMs === undefined ? '' : `, at most ${exactSpan(maxMs)}`;
  return `${exactSpan(baseMs)}${growth}${longest}${jitter ? `, ${percent(jitter)} of it left to chance` : ''}`;
}

function recoveryText({ probes, probeTimeoutMs, ramp = [], rampStepMs }: NonNullable<SettingsPatch['halfOpen']>) {
  const good = probes === undefined ? 'probes' : plural(probes, 'good probe');
  const within = probeTimeoutMs === undefined ? '' : ` within ${exactSpan(probeTimeoutMs)}`;
  if (ramp.length === 0) return `${good}${within}, then all calls`;
  const step = rampStepMs === undefined ? '' : ` for ${exactSpan(rampStepMs)}${ramp.length > 1 ? ' each' : ''}`;
  return `${good}${within}, then ${ramp.map(percent).join(', ')} of the calls${step}, then all`;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(1))}%`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** "a, b or c". */
function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}
