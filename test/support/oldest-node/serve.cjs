/** A service that asks its upstream by `fetch` at /fetch, and by `node:http` at /http. */
exports.serve = ({ createServer, get }) => {
  const upstream = `${process.env.UPSTREAM_URL}/items`;
  const asks = {
    '/fetch': async () => (await fetch(upstream)).text(),
    '/http': () =>
      new Promise((resolve, reject) => {
        get(upstream, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part) => {
            text += part;
          });
          response.on('end', () => resolve(text));
        }).on('error', reject);
      }),
  };
  const server = createServer(async (request, response) => {
    response.end(await asks[request.url]().catch((error) => error.message));
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`${process.version} listens on http://127.0.0.1:${server.address().port}`);
  });
};
