import type { GuardedBy } from '../outgoing/guarded-by.ts';
import type { Dispatch, DispatchHandler, DispatchOptions } from './dispatcher.ts';
import { guardDispatch } from './guard-dispatch.ts';

interface Dispatcher {
  dispatch: Dispatch;
}

/** Guards whole copies of undici: all their agents, pools and clients, those that are made later too. */
export class DispatcherGuard {
  readonly #by: GuardedBy;
  /** What takes it off each copy again. */
  readonly #guarded = new Map<Dispatcher, () => void>();
  #isOn = true;

  constructor(by: GuardedBy) {
    this.#by = by;
  }

  /**
   * Guards the copy that `dispatcher` is of. Returns false where it is of none, such as a dispatcher of the service's own.
   * @param dispatcher one of them, or its prototype
   */
  guardCopyOf(dispatcher: unknown): boolean {
    const base = baseOf(dispatcher);
    if (base && !this.#guarded.has(base)) this.#guarded.set(base, this.#guard(base));
    return base !== undefined;
  }

  takeOff(): void {
    this.#isOn = false;
    for (const takeOff of this.#guarded.values()) takeOff();
    this.#guarded.clear();
  }

  #guard(base: Dispatcher): () => void {
    const { dispatch: original } = base;
    const isOn = () => this.#isOn;
    const by = this.#by;
    function dispatch(this: Dispatcher, options: DispatchOptions, handler: DispatchHandler): boolean {
      if (!isOn()) return original.call(this, options, handler);
      const origin = options?.origin ?? originOf(this);
      return guardDispatch((sent, gate) => original.call(this, sent, gate), by, options, handler, origin);
    }
    setDispatch(base, dispatch);
    return () => {
      // Somebody may have put something around it since.
      if (base.dispatch === dispatch) setDispatch(base, original);
    };
  }
}

/** What all dispatchers of a copy of undici that have connections inherit from. */
function baseOf(dispatcher: unknown): Dispatcher | undefined {
  for (let at = dispatcher; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'dispatch') && Object.hasOwn(at, 'destroyed')) return at as Dispatcher;
  }
  return undefined;
}

/** Of a client or a pool, which are for one origin; undici keeps it under a symbol of its own. */
function originOf(dispatcher: object): string | undefined {
  const symbol = Object.getOwnPropertySymbols(dispatcher).find(({ description }) => description === 'url');
  const url: unknown = symbol && (dispatcher as Record<symbol, unknown>)[symbol];
  return url instanceof URL ? url.origin : undefined;
}

function setDispatch(base: Dispatcher, dispatch: Dispatch): void {
  Object.defineProperty(base, 'dispatch', { value: dispatch, configurable: true, writable: true, enumerable: false });
}
