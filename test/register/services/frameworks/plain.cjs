const { createServer } = require('node:http');
const { callUpstream } = require('./call-upstream.cjs');

const server = createServer(async (request, response) => {
  const answer = await callUpstream(request.url.slice(1));
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
