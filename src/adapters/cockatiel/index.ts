export { bridgeCockatiel, type CockatielBridgeOptions } from './bridge-cockatiel.ts';
export type { CockatielBreaker } from './cockatiel-breaker.ts';
