export { bridgeOpossum, type OpossumBridgeOptions } from './bridge-opossum.ts';
export type { OpossumBreaker, OpossumBucket } from './opossum-breaker.ts';
