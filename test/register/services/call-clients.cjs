/** Makes one call by each client to a port where nothing listens, and tells what each was told. */
exports.callAll = async ({ credentials, makeGenericClientConstructor, Redis, Pool, request }) => {
  const port = Number(process.env.REFUSING_PORT);
  const pool = new Pool({ host: '127.0.0.1', port, user: 'shop', database: 'shop' });
  const redis = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: null });
  redis.on('error', () => {});
  const pass = (value) => value;
  const echo = { path: '/shop.Stock/Get', requestSerialize: pass, requestDeserialize: pass };
  const method = { ...echo, responseSerialize: pass, responseDeserialize: pass };
  const Client = makeGenericClientConstructor(
    { get: { ...method, requestStream: false, responseStream: false } },
    'Stock',
  );
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const calls = {
    pg: pool.query('SELECT 1'),
    ioredis: redis.get('key'),
    grpc: new Promise((resolve, reject) => {
      client.get(Buffer.from('x'), (error) => (error ? reject(error) : resolve()));
    }),
    undici: request(`http://127.0.0.1:${port}/items`),
  };
  const told = await Promise.all(
    Object.entries(calls).map(([name, call]) =>
      call.then(
        () => [name, 'answered'],
        (error) => [name, String(error.code ?? error.message)],
      ),
    ),
  );
  console.log(`TOLD ${JSON.stringify(Object.fromEntries(told))}`);
  if (!process.env.TEST_ENDS) setInterval(() => {}, 1_000);
};
