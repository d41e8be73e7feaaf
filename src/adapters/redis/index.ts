export { fromIoredis, type IoredisClient, type RedisClient } from './redis-client.ts';
export { type RedisSpool, redisSpool } from './redis-spool.ts';
export type { RedisSpoolOptions } from './redis-spool-options.ts';
