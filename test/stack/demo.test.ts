import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCollector, Collector, describeWithGo } from '../support/collector.ts';
import { ControlPlaneProcess } from '../support/control-plane.ts';
import { DEMO_SERVICES, DemoRun } from '../support/demo.ts';
import { Prometheus } from '../support/prometheus.ts';
import { seriesShapes } from '../support/series-shapes.ts';
import { describeWithTool } from '../support/tools.ts';

describeWithGo('the demo behind the real collector', () => {
  describeWithTool('with the real Prometheus', { name: 'prometheus', debianPackage: 'prometheus' }, () => {
    let controlPlane: ControlPlaneProcess;
    let collector: Collector;
    let demo: DemoRun;
    let prometheus: Prometheus;

    beforeAll(async () => {
      const program = await buildCollector();
      controlPlane = await ControlPlaneProcess.start();
      collector = await Collector.start(program, {
        controlPlaneUrl: controlPlane.url,
        agentToken: controlPlane.agentToken,
      });
      demo = new DemoRun(['--for', '30', '--no-control-plane'], {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpUrl,
        SWITCHGEAR_URL: controlPlane.url,
        SWITCHGEAR_TOKEN: controlPlane.operatorToken,
        SWITCHGEAR_AGENT_TOKEN: controlPlane.agentToken,
      });
      const direct = Object.entries((await demo.started()).urls.prometheus).map(([service, url]) => ({
        job_name: `direct-${service}`,
        static_configs: [{ targets: [new URL(url).host] }],
      }));
      prometheus = await Prometheus.start({
        scrape_configs: [
          ...direct,
          { job_name: 'collector', honor_labels: true, static_configs: [{ targets: [collector.prometheusTarget] }] },
        ],
      });
      await prometheus.waitForTargets();
    });

    afterAll(async () => {
      await demo?.child.end(20_000);
      await prometheus?.stop();
      await collector?.stop();
      await controlPlane?.stop();
    });

    test('the numbers of every breaker come to the control plane through the collector', async () => {
      for (const { service, breaker } of demo.report().breakers) {
        await controlPlane.waitForBreaker(service, breaker, ({ calls, state }) => state !== null && calls.success! > 0);
      }
    });

    test('its trips come to the control plane as events', async () => {
      await demo.child.waitUntil('a trip in the history', async () => {
        return (await controlPlane.events({ event: 'breaker.trip' })).length > 0;
      });
    });

    test('the demo ends well: nothing is lost behind a collector', async () => {
      expect(await demo.child.ended).toBe(0);
      expect(demo.report().summary).toMatchObject({ lost: 0 });
    });

    test.each(DEMO_SERVICES)('%s: both ways gave the same series names, with the same labels', async (service) => {
      const direct = seriesShapes(await prometheus.series(`{job="direct-${service}",__name__=~"breaker_.+"}`));
      const collected = seriesShapes(await prometheus.series(`{job="${service}",__name__=~"breaker_.+"}`));
      expect(Object.keys(direct).length).toBeGreaterThan(10);
      expect(collected).toEqual(direct);
    });
  });
});
