const Fastify = require('fastify');
const { callUpstream } = require('./call-upstream.cjs');

const app = Fastify();
app.get('/:client', (request) => callUpstream(request.params.client));
app.listen({ port: 0, host: '127.0.0.1' }).then(() => console.log(`listening on ${app.server.address().port}`));
