/** Which workspace may import which. The breaker and the control plane never know each other. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  conventions: [],
  breaker: ['conventions'],
  adapters: ['breaker', 'conventions'],
  'service-config': ['conventions'],
  register: ['adapters', 'breaker', 'conventions', 'service-config'],
  'control-plane': ['conventions'],
  mixin: ['conventions', 'service-config'],
  cli: ['conventions', 'service-config'],
  demo: ['breaker', 'conventions', 'register'],
};

/** Node's modules a workspace may use, with the files that may; a workspace that is not named may use all. */
export const NODE_MODULES: Readonly<Record<string, readonly { module: string; files: RegExp }[]>> = {
  conventions: [],
  breaker: [
    { module: 'node:async_hooks', files: /./ },
    { module: 'node:buffer', files: /./ },
    { module: 'node:crypto', files: /./ },
    { module: 'node:fs', files: /spool\/sqlite-/ },
    { module: 'node:http', files: /control\/transport\.ts$/ },
    { module: 'node:https', files: /control\/transport\.ts$/ },
    { module: 'node:perf_hooks', files: /breaker\/clock\.ts$/ },
    { module: 'node:sqlite', files: /spool/ },
    { module: 'node:v8', files: /spool\/stored-input\.ts$/ },
    { module: 'node:worker_threads', files: /threads\/announcements\.ts$/ },
  ],
};

/** A folder whose imports are a closed list: other folders of `src/`, and packages. */
export interface ClosedRoom {
  readonly folder: string;
  readonly mayImport: readonly string[];
}

/** Pure: they decide from what they are given, so they know no clock, no timer and nothing that has one. */
export const CLOSED_ROOMS: readonly ClosedRoom[] = [
  { folder: 'src/breaker/machine', mayImport: ['@switchgear/conventions', 'src/breaker/window'] },
  { folder: 'src/breaker/window', mayImport: ['@switchgear/conventions'] },
];

/** A folder with things it must not know: other folders of `src/`, or packages. */
export interface Wall {
  readonly folder: string;
  readonly mustNotImport: readonly string[];
}

export const WALLS: readonly Wall[] = [
  { folder: 'src/control-plane/fleet', mustNotImport: ['express', 'src/control-plane/store', 'src/control-plane/api'] },
  { folder: 'src/control-plane/ingest', mustNotImport: ['src/control-plane/store', 'src/control-plane/api'] },
  { folder: 'src/control-plane/store', mustNotImport: ['express', 'src/control-plane/fleet', 'src/control-plane/api'] },
];

/** The one file of the breaker that reads raw clocks. */
export const CLOCK_FILE = 'src/breaker/clock.ts';
