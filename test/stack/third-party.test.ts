import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCollector, Collector, describeWithGo } from '../support/collector.ts';
import { ControlPlaneProcess } from '../support/control-plane.ts';
import { waitUntil } from '../support/deadline.ts';
import { Prometheus } from '../support/prometheus.ts';
import { THIRD_PARTIES, type ThirdParty, ThirdPartyService } from '../support/third-party-service.ts';
import { describeWithTool } from '../support/tools.ts';
import { Upstream } from '../support/upstream.ts';

describeWithGo('services of others, unchanged, through the real collector', () => {
  describeWithTool('with the real Prometheus', { name: 'prometheus', debianPackage: 'prometheus' }, () => {
    const upstreams = new Map<ThirdParty, Upstream>();
    const services = new Map<ThirdParty, ThirdPartyService>();
    let controlPlane: ControlPlaneProcess;
    let collector: Collector;
    let prometheus: Prometheus;

    beforeAll(async () => {
      const program = await buildCollector();
      controlPlane = await ControlPlaneProcess.start();
      collector = await Collector.start(program, {
        controlPlaneUrl: controlPlane.url,
        agentToken: controlPlane.agentToken,
      });
      for (const name of THIRD_PARTIES) upstreams.set(name, await Upstream.start());
      await Promise.all(
        THIRD_PARTIES.map(async (name) => {
          const upstream = upstreams.get(name)!;
          const service = await ThirdPartyService.start(name, {
            upstreamUrl: upstream.url,
            config: configFor(upstream),
            env: {
              // It is steered by the control plane, and its telemetry goes by the collector alone.
              ...controlPlane.serviceEnvironment,
              OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpUrl,
              OTEL_METRICS_EXPORTER: 'otlp,prometheus',
              OTEL_TRACES_EXPORTER: 'otlp',
              OTEL_LOGS_EXPORTER: 'otlp',
              OTEL_METRIC_EXPORT_INTERVAL: '500',
              OTEL_BLRP_SCHEDULE_DELAY: '200',
              OTEL_BSP_SCHEDULE_DELAY: '200',
            },
          });
          services.set(name, service);
        }),
      );
      prometheus = await Prometheus.start({
        scrape_configs: [
          { job_name: 'collector', honor_labels: true, static_configs: [{ targets: [collector.prometheusTarget] }] },
        ],
      });
      await prometheus.waitForTargets();
    });

    afterAll(async () => {
      await prometheus?.stop();
      await Promise.all([...services.values()].map((service) => service.stop()));
      await Promise.all([...upstreams.values()].map((upstream) => upstream.stop()));
      await collector?.stop();
      await controlPlane?.stop();
    });

    describe.each(THIRD_PARTIES)('%s', (name) => {
      const of = () => ({ service: services.get(name)!, upstream: upstreams.get(name)! });

      test('a trip, what is diverted and the reset reach Prometheus and the control plane', async () => {
        const { service, upstream } = of();
        expect(await service.ask('/api/hello')).toBe('200 upstream GET /api/hello');
        await controlPlane.waitForBreaker(name, 'upstream', ({ state }) => state === 'closed');
        await upstream.turn('failing');
        for (const path of ['/api/1', '/api/2', '/api/3', '/api/4']) await service.ask(path);
        await controlPlane.waitForBreaker(name, 'upstream', ({ state }) => state === 'open');
        const labels = `job="${name}",breaker_name="upstream"`;
        await prometheus.waitForQuery(`breaker_transitions_total{${labels},breaker_state="open"} >= 1`);
        const wire = 'breaker_neutral_wire_name="answer",breaker_neutral_wire_outcome="served"';
        await prometheus.waitForQuery(`breaker_neutral_wire_calls_total{${labels},${wire}} >= 2`);
        await upstream.turn('well');
        await upstreamAnswers(service);
        await controlPlane.waitForBreaker(name, 'upstream', ({ state }) => state === 'closed');
        await prometheus.waitForQuery(`breaker_transitions_total{${labels},breaker_state="closed"} >= 1`);
        await waitUntil('trip and reset in the history', async () => {
          const events = (await controlPlane.events({ service: name, breaker: 'upstream' })).map(({ event }) => event);
          return events.includes('breaker.trip') && events.includes('breaker.reset');
        });
      });

      test('a lockout from the control plane takes effect, and its release too', async () => {
        const { service, upstream } = of();
        await upstream.turn('well');
        await upstreamAnswers(service);
        const path = `breakers/${name}/upstream/override`;
        const expiresAt = new Date(Date.now() + 600_000).toISOString();
        await controlPlane.api('PUT', path, { mode: 'forced_open', reason: 'maintenance of the upstream', expiresAt });
        await waitUntil('the lockout', async () => (await service.ask('/api/locked')) === '200 from the wire');
        await controlPlane.waitForBreaker(name, 'upstream', ({ state }) => state === 'forced_open');
        await prometheus.waitForQuery(
          `breaker_status{job="${name}",breaker_name="upstream",breaker_state="forced_open"} == 1`,
        );
        await controlPlane.api('DELETE', path, { reason: 'maintenance is over' });
        await upstreamAnswers(service);
        await controlPlane.waitForBreaker(name, 'upstream', ({ state }) => state === 'closed');
      });

      test('the control plane and the collector have no breakers and cost nobody a warning', async () => {
        const seen = await controlPlane.api<{ items: readonly { service: string; breaker: string }[] }>(
          'GET',
          'breakers',
        );
        expect(seen.items.filter(({ service }) => service === name).map(({ breaker }) => breaker)).toEqual([
          'upstream',
        ]);
        expect(
          of()
            .service.child.output.split('\n')
            .filter((line) => line.startsWith('switchgear: ')),
        ).toEqual([expect.stringContaining('Prometheus endpoint')]);
      });
    });
  });
});

async function upstreamAnswers(service: ThirdPartyService): Promise<void> {
  await waitUntil('an answer of the upstream', async () =>
    (await service.ask('/api/hello')).startsWith('200 upstream'),
  );
}

function configFor(upstream: Upstream): object {
  return {
    breakers: {
      upstream: {
        trip: { consecutive: 3 },
        cooldownMs: 800,
        halfOpen: { probes: 1 },
        wires: [{ kind: 'answer', status: 200, body: 'from the wire' }],
      },
    },
    rules: [{ match: { host: upstream.host }, breaker: 'upstream' }],
    // All calls that no rule matches: those to the control plane and the collector must not be among them.
    unmatched: { mode: 'auto' },
  };
}
