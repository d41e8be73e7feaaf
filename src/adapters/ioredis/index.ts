export { guardRedis } from './guard-redis.ts';
export { type IoredisModule, installIoredisGuard } from './install-ioredis-guard.ts';
export type { RedisCall } from './redis-call.ts';
