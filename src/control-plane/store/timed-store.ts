import type { Store } from './store.ts';

const WRITES = [
  'appendEvents',
  'pruneEvents',
  'rememberBreakers',
  'touchAgents',
  'markGone',
  'forgetAgents',
  'changeDesired',
] as const satisfies readonly (keyof Store)[];

/** The same store; `onWrite` hears of each write that was committed, with the seconds it took. */
export function timedStore(store: Store, onWrite: (operation: string, seconds: number) => void): Store {
  return new Proxy(store, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...values: unknown[]) => Promise<unknown>;
      if (!(WRITES as readonly PropertyKey[]).includes(property)) return method;
      return async (...values: unknown[]) => {
        const start = performance.now();
        const result = await method(...values);
        onWrite(String(property), (performance.now() - start) / 1_000);
        return result;
      };
    },
  });
}
