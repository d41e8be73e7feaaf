/** Charges orders at a bank, each order once, and keeps the ledger by which the demo knows that none was lost. */
import { createBreaker } from '@switchgear/breaker';
import { OrderSet } from '../order-set.ts';
import { type HttpAnswer, HttpListener, type HttpRequest } from './http-listener.ts';
import { readOrder } from './read-order.ts';
import { requestJson } from './request-json.ts';
import { runService } from './service.ts';
import { DEMO_SETTINGS } from './settings.ts';

const ledger = new OrderSet();
let chargedSinceReport: number[] = [];
let duplicates = 0;
let answersErrors = false;
let bankAnswersErrors = false;

const bankServer = new HttpListener(async () =>
  bankAnswersErrors ? { status: 503, body: { error: 'the bank is closed' } } : { status: 200, body: { ok: true } },
);
await bankServer.open();
const bank = createBreaker('bank', { ...DEMO_SETTINGS, timeoutMs: 500 });

const listener = new HttpListener(answer);
await runService({
  listener,
  breakers: [bank],
  faults: {
    'payments-errors': (active) => {
      answersErrors = active;
    },
    'bank-errors': (active) => {
      bankAnswersErrors = active;
    },
    'payments-dead-port': (active) => (active ? listener.close() : listener.open()),
  },
  report() {
    const orders = chargedSinceReport;
    chargedSinceReport = [];
    return { type: 'charged', orders, duplicates };
  },
  close: () => bankServer.close(),
});

async function answer({ method, path, body }: HttpRequest): Promise<HttpAnswer> {
  if (method !== 'POST' || path !== '/charges') return { status: 404, body: { error: 'POST /charges takes an order' } };
  if (answersErrors) return { status: 500, body: { error: 'the payments database is gone' } };
  const order = readOrder(body);
  if (ledger.has(order.number)) {
    // A call whose answer never arrived comes again: at least once for the sender, exactly once for the customer.
    duplicates += 1;
    return { status: 200, body: { charged: order.amount } };
  }
  try {
    await bank.execute(({ signal }) => requestJson(`${bankServer.url}/transfers`, { signal, body: order }));
  } catch (error) {
    return { status: 502, body: { error: (error as Error).message } };
  }
  if (ledger.add(order.number)) chargedSinceReport.push(order.number);
  else duplicates += 1;
  return { status: 200, body: { charged: order.amount } };
}
