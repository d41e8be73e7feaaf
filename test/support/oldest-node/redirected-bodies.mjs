/** Bodies that a buffer replays, and that a wire takes to another origin, are sent on by the server to another place. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { guardFetch } from '@switchgear/adapters/fetch';
import { httpBuffer, originWire } from '@switchgear/adapters/http-answers';
import { createBreaker } from '@switchgear/breaker';

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (request.url === '/moved') response.writeHead(308, { location: '/there' }).end();
  else response.end(body, () => console.log(`${request.method} ${request.url} ${body}`));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;

const held = createBreaker('held', { neutralWires: [httpBuffer({ methods: ['POST'] })] });
held.trip({ reason: 'it is down' });
await guardFetch(fetch, held)(`${origin}/moved`, { method: 'POST', body: 'an order' });
held.reset({ reason: 'it is back' });
await once(server, 'request');
await once(server, 'request');
await held.close();

const elsewhere = createBreaker('elsewhere', { neutralWires: [originWire({ origin })] });
elsewhere.trip({ reason: 'it is down' });
await guardFetch(fetch, elsewhere)('http://127.0.0.1:9/moved', { method: 'PUT', body: 'a name' });
server.close();
server.closeAllConnections();
