import { afterAll, beforeAll } from 'vitest';
import { redisSpool } from '../../../src/adapters/redis/index.ts';
import { spoolContract } from '../../contract/spool-contract.ts';
import { REDIS, RedisServer, type TestClient } from '../../support/redis.ts';
import { describeWithTool } from '../../support/tools.ts';

describeWithTool('the contract of a spool', REDIS, () => {
  let redis: RedisServer;
  let client: TestClient;
  let streams = 0;
  beforeAll(async () => {
    redis = await RedisServer.start();
    client = await redis.connect();
  });
  afterAll(() => redis.stop());

  spoolContract('Redis', () => {
    const stream = `calls-${++streams}`;
    return {
      make: () => redisSpool({ client, stream, maxDeadLetters: 3 }),
      remove: async () => {
        await client.del([stream, ...(await client.keys(`{${stream}}:*`))]);
      },
    };
  });
});
