/** Takes three orders into a file, prints how each was answered, and waits for its end. */
import { guardFetch } from '@switchgear/adapters/fetch';
import { httpBuffer } from '@switchgear/adapters/http-answers';
import { createBreaker, sqliteSpool } from '@switchgear/breaker';

const [url = '', file = ''] = process.argv.slice(2);
const orders = createBreaker('orders', {
  telemetry: 'off',
  neutralWires: [httpBuffer({ methods: ['POST'], spool: sqliteSpool(file), orderBy: 'path' })],
});
const guarded = guardFetch(fetch, orders);
orders.trip();

const statuses: number[] = [];
for (const id of [1, 2, 3]) {
  const headers = { 'idempotency-key': `key-${id}` };
  const { status } = await guarded(`${url}/orders?id=${id}`, { method: 'POST', headers, body: `order ${id}` });
  statuses.push(status);
}
console.log(JSON.stringify(statuses));
setInterval(() => {}, 60_000);
