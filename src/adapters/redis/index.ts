export type { RedisSpoolOptions } from './options.ts';
export { fromIoredis, type IoredisClient, type RedisClient } from './redis-client.ts';
export { type RedisSpool, redisSpool } from './redis-spool.ts';
