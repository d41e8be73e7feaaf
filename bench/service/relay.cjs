/**
 * The service of the register cases: each request makes one `fetch` to the address in RELAY_TO. It reports when it listens, and the CPU
 * time it has used when it is asked. It is CommonJS, which both sides instrument without a loader, and plain JavaScript, as it
 * stands on a user's disk.
 */
const { createServer } = require('node:http');

const upstream = process.env.RELAY_TO ?? '';

const server = createServer(async (_request, response) => {
  const answer = await fetch(upstream);
  response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(await answer.text());
});
server.listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port, startMs: performance.now(), cpuMs: cpuMs() });
});
process.on('message', () => process.send({ cpuMs: cpuMs() }));
process.on('disconnect', () => process.exit());

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
