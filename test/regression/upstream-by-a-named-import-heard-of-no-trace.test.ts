import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Child, ROOT } from '../support/processes.ts';
import { Upstream } from '../support/upstream.ts';

/**
 * `import { get } from 'node:http'` gave the service a function without instrumentation, where `import http` did not: the hook of
 * imports asks for the module by `require`, which was patched in its place.
 */
test.each(['http', 'fetch'])('an ESM service tells its upstream of the trace, by %s', async (client) => {
  const upstream = await Upstream.start();
  onTestFinished(() => upstream.stop());
  const service = join(ROOT, 'test/support/oldest-node/service.mjs');
  const child = new Child(process.execPath, ['--import', join(ROOT, 'src/register/index.ts'), service], {
    env: {
      NODE_OPTIONS: '',
      UPSTREAM_URL: upstream.url,
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
  });
  onTestFinished(() => child.end());
  const [, url] = await child.waitForOutput(/listens on (http:\S+)/);
  await (await fetch(`${url}/${client}`)).text();
  expect(upstream.answered[0]?.headers.traceparent).toMatch(/^00-/);
});
