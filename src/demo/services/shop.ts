/** Takes orders: looks up the stock, charges the customer. */
import { bufferWire, createBreaker, fallbackWire, isReceipt } from '@switchgear/breaker';
import type { Order } from '../messages.ts';
import { type HttpAnswer, HttpListener, type HttpRequest } from './http-listener.ts';
import { readOrder } from './read-order.ts';
import { requestJson } from './request-json.ts';
import { runService } from './service.ts';
import { DEMO_SETTINGS, INVENTORY_TIMEOUT_MS, PAYMENTS_TIMEOUT_MS } from './settings.ts';

interface Stock {
  readonly item: string;
  readonly count: number;
}

const paymentsUrl = required('DEMO_PAYMENTS_URL');
const inventoryUrl = required('DEMO_INVENTORY_URL');

/** As many entries as the shop has items. */
const lastKnownStock = new Map<string, Stock>();

const payments = createBreaker('payments', {
  ...DEMO_SETTINGS,
  timeoutMs: PAYMENTS_TIMEOUT_MS,
  neutralWires: [
    bufferWire({ name: 'orders', capacity: 20_000, ttlMs: 3_600_000, maxAttempts: 1_000, drainPerSecond: 200 }),
  ],
});
const charge = payments.protect((order: Order, { signal }) =>
  requestJson<{ charged: number }>(`${paymentsUrl}/charges`, { signal, body: order }),
);

const inventory = createBreaker('inventory', {
  ...DEMO_SETTINGS,
  timeoutMs: INVENTORY_TIMEOUT_MS,
  neutralWires: [
    fallbackWire(
      ({ input }) => {
        const known = lastKnownStock.get(String(input));
        if (!known) throw new Error(`No stock of ${input} is known yet`);
        return known;
      },
      { name: 'last-known-stock' },
    ),
  ],
});

await runService({ listener: new HttpListener(answer), breakers: [payments, inventory] });

async function answer({ method, path, body }: HttpRequest): Promise<HttpAnswer> {
  if (method !== 'POST' || path !== '/orders') return { status: 404, body: { error: 'POST /orders takes an order' } };
  const order = readOrder(body);
  try {
    const stock = await inventory.execute(
      async ({ signal }) => {
        const fresh = await requestJson<Stock>(`${inventoryUrl}/stock/${encodeURIComponent(order.item)}`, { signal });
        lastKnownStock.set(order.item, fresh);
        return fresh;
      },
      { input: order.item },
    );
    if (stock.count === 0) return { status: 409, body: { error: `${order.item} is sold out` } };
    const result = await charge(order);
    if (isReceipt(result)) return { status: 202, body: { order: order.number, receipt: result.id } };
    return { status: 200, body: { order: order.number, charged: result.charged } };
  } catch (error) {
    return { status: 503, body: { error: (error as Error).message } };
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set; the demo does that`);
  return value;
}
