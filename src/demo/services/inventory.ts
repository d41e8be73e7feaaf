/** Knows the stock, by asking the warehouse. */
import { createBreaker, fallbackWire } from '@switchgear/breaker';
import { type HttpAnswer, HttpListener, type HttpRequest } from './http-listener.ts';
import { requestJson } from './request-json.ts';
import { runService } from './service.ts';
import { SLOW_MS, WAREHOUSE_SETTINGS } from './settings.ts';

interface Count {
  readonly count: number;
}

/** As many entries as the warehouse has items. */
const lastCounts = new Map<string, Count>();
let isSlow = false;
let warehouseAnswersErrors = false;

const warehouseServer = new HttpListener(async ({ path }) =>
  warehouseAnswersErrors
    ? { status: 503, body: { error: 'the warehouse is on strike' } }
    : { status: 200, body: { count: 100 + path.length } },
);
await warehouseServer.open();
const warehouse = createBreaker('warehouse', {
  ...WAREHOUSE_SETTINGS,
  timeoutMs: 300,
  neutralWires: [
    fallbackWire(
      ({ input }) => {
        const known = lastCounts.get(String(input));
        if (!known) throw new Error(`${input} has not been counted yet`);
        return known;
      },
      { name: 'last-count' },
    ),
  ],
});

await runService({
  listener: new HttpListener(answer),
  breakers: [warehouse],
  faults: {
    'inventory-slow': (active) => {
      isSlow = active;
    },
    'warehouse-errors': (active) => {
      warehouseAnswersErrors = active;
    },
  },
  close: () => warehouseServer.close(),
});

async function answer({ path }: HttpRequest): Promise<HttpAnswer> {
  const item = /^\/stock\/([\w%-]{1,100})$/.exec(path)?.[1];
  if (item === undefined) return { status: 404, body: { error: 'GET /stock/{item} tells the stock' } };
  if (isSlow) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  try {
    const { count } = await warehouse.execute(
      async ({ signal }) => {
        const counted = await requestJson<Count>(`${warehouseServer.url}/counts/${item}`, { signal });
        lastCounts.set(item, counted);
        return counted;
      },
      { input: item },
    );
    return { status: 200, body: { item, count } };
  } catch (error) {
    return { status: 502, body: { error: (error as Error).message } };
  }
}
