/** `hold` trips the breaker, has three calls held in a file and dies; without it what the file holds is replayed. */
import { bufferWire, createBreaker, isReceipt, sqliteSpool } from '@switchgear/breaker';

const mail = createBreaker('mail', { neutralWires: [bufferWire({ spool: sqliteSpool('held.db') })] });
const send = mail.protect(async (address) => console.log(`sent to ${address}`));

if (process.argv[2] === 'hold') {
  mail.trip({ reason: 'the relay is down' });
  for (const address of ['ada', 'bob', 'eve']) console.log(isReceipt(await send(address)));
  process.kill(process.pid, 'SIGKILL');
}
const look = setInterval(async () => {
  const [wire] = mail.stats().wires;
  if (wire.replayed < 3) return;
  clearInterval(look);
  await mail.close();
  console.log(`${wire.replayed} replayed, ${wire.depth} held`);
}, 50);
