import Fastify from 'fastify';
import { callUpstream } from './call-upstream.mjs';

const app = Fastify();
app.get('/:client', (request) => callUpstream(request.params.client));
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`listening on ${app.server.address().port}`);
