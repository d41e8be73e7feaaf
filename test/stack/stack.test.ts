import { METRICS, type MetricSpec } from '@switchgear/conventions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCollector, Collector, describeWithGo } from '../support/collector.ts';
import { ControlPlaneProcess } from '../support/control-plane.ts';
import { waitUntil } from '../support/deadline.ts';
import { type Dependency, startDependency } from '../support/dependency.ts';
import { GuardedService } from '../support/guarded-service.ts';
import { Prometheus } from '../support/prometheus.ts';
import { seriesShapes } from '../support/series-shapes.ts';
import { describeWithTool } from '../support/tools.ts';

describeWithGo('the whole stack: a service, the real collector, Prometheus and the control plane', () => {
  describeWithTool('with the real Prometheus', { name: 'prometheus', debianPackage: 'prometheus' }, () => {
    let controlPlane: ControlPlaneProcess;
    let dependency: Dependency;
    let collector: Collector;
    let service: GuardedService;
    let prometheus: Prometheus;

    beforeAll(async () => {
      const program = await buildCollector();
      [controlPlane, dependency] = await Promise.all([ControlPlaneProcess.start(), startDependency()]);
      collector = await Collector.start(program, {
        controlPlaneUrl: controlPlane.url,
        agentToken: controlPlane.agentToken,
      });
      // It does not know the control plane: what that learns of it, it learns through the collector.
      service = await GuardedService.start({
        name: 'shop',
        dependencyUrl: dependency.url,
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpUrl,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
          SWITCHGEAR_URL: '',
        },
      });
      prometheus = await Prometheus.start({
        scrape_configs: [
          { job_name: 'direct', static_configs: [{ targets: [service.prometheusTarget] }] },
          { job_name: 'collector', honor_labels: true, static_configs: [{ targets: [collector.prometheusTarget] }] },
        ],
      });
      await prometheus.waitForTargets();
    });

    afterAll(async () => {
      await prometheus?.stop();
      await service?.stop();
      await collector?.stop();
      await Promise.all([controlPlane?.stop(), dependency?.stop()]);
    });

    test('the control plane sees the breakers through the collector', async () => {
      for (const breaker of ['payments', 'inventory']) {
        const seen = await controlPlane.waitForBreaker('shop', breaker, ({ calls }) => calls.success! > 0);
        expect(seen).toMatchObject({ state: 'closed', instances: { live: 1, stale: 0, gone: 0 } });
      }
    });

    test('a trip and its reset reach the control plane and Prometheus through the collector', async () => {
      dependency.turn('/payments', 'failing');
      await controlPlane.waitForBreaker(
        'shop',
        'payments',
        ({ state, wires }) => state === 'open' && wires[0]!.depth > 0,
      );
      await prometheus.waitForQuery('breaker_status{job="shop",breaker_name="payments",breaker_state="open"} == 1');
      dependency.turn('/payments', 'well');
      await controlPlane.waitForBreaker(
        'shop',
        'payments',
        ({ state, wires }) => state === 'closed' && wires[0]!.replayed > 0,
      );
      await waitUntil('trip and reset in the history', async () => {
        const names = (await controlPlane.events({ breaker: 'payments' })).map(({ event }) => event);
        return names.includes('breaker.trip') && names.includes('breaker.reset');
      });
    });

    test('both ways give the same series names, with the same labels', async () => {
      // Every series exists from registration, but those of a histogram from their first record on.
      await prometheus.waitForQuery('breaker_neutral_wire_wait_seconds_count', (rows) => rows.length === 2);
      await prometheus.waitForQuery(
        'count by (job) (breaker_call_duration_seconds_count{breaker_name="payments",breaker_call_outcome="failure"})',
        (rows) => rows.length === 2,
      );
      const direct = seriesShapes(await prometheus.series('{job="direct",__name__=~"breaker_.+"}'));
      const collected = seriesShapes(await prometheus.series('{job="shop",__name__=~"breaker_.+"}'));
      expect(Object.keys(direct).length).toBeGreaterThan(15);
      expect(collected).toEqual(direct);
    });

    test('those names are the ones of the conventions', async () => {
      const seen = new Set((await prometheus.series('{__name__=~"breaker_.+"}')).map(({ __name__ }) => __name__!));
      const known = Object.values<MetricSpec>(METRICS).flatMap(({ prometheus: name, instrument }) =>
        instrument === 'histogram' ? ['_bucket', '_count', '_sum'].map((suffix) => name + suffix) : [name],
      );
      expect([...seen].sort()).toEqual(known.sort());
    });

    test('both ways give the same numbers', async () => {
      const tripped = 'sum by (job) (breaker_transitions_total{breaker_name="payments",breaker_state="open"})';
      const rows = await prometheus.waitForQuery(
        tripped,
        (found) => found.length === 2 && found[0]!.value === found[1]!.value,
      );
      expect(rows[0]!.value).toBeGreaterThan(0);
    });

    test('a control plane that was away gets what the collector kept for it', async () => {
      const before = (await controlPlane.events({ breaker: 'inventory', event: 'breaker.trip' })).length;
      await controlPlane.crash();
      dependency.turn('/inventory', 'failing');
      await service.waitFor('a trip meanwhile', ({ inventory }) => inventory === 'open');
      dependency.turn('/inventory', 'well');
      await service.waitFor('a reset meanwhile', ({ inventory }) => inventory === 'closed');
      await controlPlane.restart();
      await waitUntil(
        'the trip that it did not see',
        async () => (await controlPlane.events({ breaker: 'inventory', event: 'breaker.trip' })).length > before,
        { deadlineMs: 60_000, everyMs: 250 },
      );
      await controlPlane.waitForBreaker('shop', 'inventory', ({ state }) => state === 'closed');
    });
  });
});
