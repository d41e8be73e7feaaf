/** Loads what it is told in that order, calls by the package undici, and prints how many calls of each sort were counted. */
import type { Breaker } from '@switchgear/breaker';

const [url = '', ...steps] = process.argv.slice(2);
let breaker: Breaker | undefined;

const STEPS: Readonly<Record<string, () => unknown>> = {
  /** Whose imports load the undici of Node.js, as any import of node:http does. */
  install: async () => {
    const { createBreaker } = await import('@switchgear/breaker');
    const { installFetchGuard } = await import('@switchgear/adapters/fetch');
    breaker = createBreaker('late', { telemetry: 'off' });
    installFetchGuard(breaker);
  },
  undici: () => import('undici'),
  set: async () => {
    const { Agent, setGlobalDispatcher } = await import('undici');
    setGlobalDispatcher(new Agent());
  },
};
for (const step of steps) await STEPS[step]?.();

const { Agent, Pool, request } = await import('undici');
const counts = {
  request: await counted(async () => (await request(url)).body.text()),
  agent: await counted(async () => (await request(url, { dispatcher: new Agent() })).body.text()),
  pool: await counted(async () => (await new Pool(url).request({ path: '/', method: 'GET' })).body.text()),
};
process.stdout.write(JSON.stringify(counts), () => process.exit());

async function counted(call: () => Promise<unknown>): Promise<number> {
  const before = breaker?.stats().calls.success ?? 0;
  await call();
  return (breaker?.stats().calls.success ?? 0) - before;
}
