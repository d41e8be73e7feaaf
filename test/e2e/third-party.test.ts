import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../support/deadline.ts';
import { Prometheus } from '../support/prometheus.ts';
import { THIRD_PARTIES, type ThirdParty, ThirdPartyService } from '../support/third-party-service.ts';
import { describeWithTool } from '../support/tools.ts';
import { Upstream, type UpstreamMood } from '../support/upstream.ts';

const prometheusTool = { name: 'prometheus', debianPackage: 'prometheus' };

describeWithTool('services of others, unchanged, under --import @switchgear/register', prometheusTool, () => {
  const upstreams = new Map<ThirdParty, Upstream>();
  const services = new Map<ThirdParty, ThirdPartyService>();
  let prometheus: Prometheus;

  beforeAll(async () => {
    for (const name of THIRD_PARTIES) upstreams.set(name, await Upstream.start());
    await Promise.all(
      THIRD_PARTIES.map(async (name) => {
        const upstream = upstreams.get(name)!;
        services.set(
          name,
          await ThirdPartyService.start(name, { upstreamUrl: upstream.url, config: configFor(upstream) }),
        );
      }),
    );
    prometheus = await Prometheus.start({
      scrape_configs: [...services].map(([name, { prometheusTarget }]) => ({
        job_name: name,
        static_configs: [{ targets: [prometheusTarget] }],
      })),
    });
    await prometheus.waitForTargets();
  });

  afterAll(async () => {
    await prometheus?.stop();
    await Promise.all([...services.values()].map((service) => service.stop()));
    await Promise.all([...upstreams.values()].map((upstream) => upstream.stop()));
  });

  describe.each(THIRD_PARTIES)('%s', (name) => {
    const of = () => ({ service: services.get(name)!, upstream: upstreams.get(name)! });
    const reaches = (series: string, value: number) => prometheus.waitForQuery(`${series} >= ${value}`);
    const series = (metric: string, labels: string) =>
      `${metric}{job="${name}",breaker_name="upstream"${labels && `,${labels}`}}`;
    const entered = (state: string) => series('breaker_transitions_total', `breaker_state="${state}"`);
    const served = series('breaker_neutral_wire_calls_total', 'breaker_neutral_wire_name="answer"');
    const total = async (of: string) => (await prometheus.value(`sum(${of})`)) ?? 0;

    test('answers as ever while all is well, and its breaker is known from the start', async () => {
      const { service } = of();
      expect(await service.ask('/index.html')).toBe('200 the site');
      expect(await service.ask('/api/hello')).toBe('200 upstream GET /api/hello');
      expect(await service.ask('/api/orders', { method: 'POST', body: 'one' })).toBe('200 upstream POST /api/orders');
      await reaches(series('breaker_calls_total', 'breaker_call_outcome="success"'), 2);
      const closed = series('breaker_status', 'breaker_state="closed"');
      expect((await prometheus.query(`${closed} == 1`)).length).toBe(1);
      expect(await total(entered('open'))).toBe(0);
      // Only what the rules name has a breaker.
      expect((await prometheus.query(`count by (breaker_name) (breaker_status{job="${name}"})`)).length).toBe(1);
    });

    test.each<UpstreamMood>(['failing', 'resetting', 'refusing', 'hanging'])(
      'a %s upstream trips it, its calls are diverted, and it resets: Prometheus sees all three',
      async (mood) => {
        const { service, upstream } = of();
        const before = { open: await total(entered('open')), closed: await total(entered('closed')) };
        const servedBefore = await total(served);
        await upstream.turn(mood);
        await service.ask('/api/1');
        await service.ask('/api/2');
        // The call that trips it is diverted itself.
        expect(await service.ask('/api/3')).toBe('200 from the wire');
        expect(await service.ask('/api/4')).toBe('200 from the wire');
        await reaches(`sum(${entered('open')})`, before.open + 1);
        await reaches(`sum(${served})`, servedBefore + 2);
        await upstream.turn('well');
        await waitUntil('an answer of the upstream', async () =>
          (await service.ask('/api/5')).startsWith('200 upstream'),
        );
        await reaches(`sum(${entered('closed')})`, before.closed + 1);
        await prometheus.waitForQuery(`${series('breaker_status', 'breaker_state="closed"')} == 1`);
      },
    );

    test('a POST is held while it is open, and is replayed once after the reset', async () => {
      const { service, upstream } = of();
      await upstream.turn('failing');
      for (const path of ['/api/1', '/api/2', '/api/3']) await service.ask(path);
      const body = 'two pairs of shoes';
      const answer = await service.ask('/api/orders?id=7', { method: 'POST', body });
      expect(answer).toMatch(/^202 \{"receipt":"upstream\/buffer\/\d+"\}$/);
      await reaches(series('breaker_neutral_wire_depth', 'breaker_neutral_wire_name="buffer"'), 1);
      await upstream.turn('well');
      const replays = () => upstream.answered.filter((request) => request.body === body);
      await waitUntil('the replay', async () => {
        await service.ask('/api/hello');
        return replays().length > 0;
      });
      await reaches(series('breaker_neutral_wire_drained_total', 'breaker_neutral_wire_outcome="replayed"'), 1);
      await prometheus.waitForQuery(
        `${series('breaker_neutral_wire_depth', 'breaker_neutral_wire_name="buffer"')} == 0`,
      );
      expect(replays()).toHaveLength(1);
      expect(replays()[0]).toMatchObject({ method: 'POST', path: '/api/orders?id=7' });
      expect(replays()[0]!.headers['idempotency-key']).toBeTypeOf('string');
    });

    test('its file may change while a call is in flight: the counts stay, and a bad file changes nothing', async () => {
      const { service, upstream } = of();
      const all = series('breaker_calls_total', '');
      const open = await total(entered('open'));
      const patience = { timeoutMs: null, trip: { consecutive: 3, failureRatio: 0.9 } };
      service.writeConfig(JSON.stringify(configFor(upstream, patience)));
      service.child.signal('SIGHUP');
      await prometheus.waitForQuery(`${series('breaker_threshold_ratio', '')} == 0.9`);
      await upstream.turn('hanging');
      const inFlight = service.ask('/api/in-flight');
      await prometheus.waitForQuery(`${series('breaker_active_calls', '')} == 1`);
      const before = await total(all);

      service.writeConfig('breakers: { upstream: { trip: { consecutive: nine } } }');
      service.child.signal('SIGHUP');
      await service.child.waitForOutput(/switchgear\.yaml:1:\d+ .*consecutive/);
      await service.child.waitForOutput(/switchgear\.yaml is not in force/);
      expect(await total(series('breaker_threshold_ratio', ''))).toBe(0.9);
      service.writeConfig(JSON.stringify(configFor(upstream, { ...patience, mode: 'shadow' })));
      service.child.signal('SIGHUP');
      await prometheus.waitForQuery(`${series('breaker_status', 'breaker_state="shadow"')} == 1`);

      await upstream.turn('well');
      expect(await inFlight).toBe('200 upstream GET /api/in-flight');
      await upstream.turn('failing');
      for (const path of ['/api/1', '/api/2', '/api/3', '/api/4']) await service.ask(path);
      // It only looks on now.
      expect(await service.ask('/api/5')).not.toContain('from the wire');
      await reaches(`sum(${all})`, before + 6);

      service.writeConfig(JSON.stringify(configFor(upstream)));
      service.touchFolder();
      await prometheus.waitForQuery(`${series('breaker_status', 'breaker_state="shadow"')} == 0`);
      await upstream.turn('well');
      await waitUntil('an answer of the upstream', async () =>
        (await service.ask('/api/6')).startsWith('200 upstream'),
      );
      expect(await total(all)).toBeGreaterThanOrEqual(before + 6);
      expect(await total(entered('open'))).toBeGreaterThanOrEqual(open);
    });

    test('SIGTERM ends it in its own way, and what memory holds is told', async () => {
      const { service, upstream } = of();
      await upstream.turn('failing');
      for (const path of ['/api/1', '/api/2', '/api/3']) await service.ask(path);
      expect(await service.ask('/api/orders', { method: 'POST', body: 'late' })).toMatch(/^202/);
      service.child.signal('SIGTERM');
      const code = await service.child.ended;
      if (name === 'http-server') {
        // It handles the signal itself, and ends at once.
        expect(code).toBe(0);
        expect(service.child.output).toContain('http-server stopped.');
      } else {
        expect(code).toBeNull();
        expect(service.child.output).toMatch(/switchgear: .*upstream.*buffer/);
      }
      expect(service.child.output).not.toMatch(/unhandledRejection|UnhandledPromise/);
    });
  });
});

function configFor(upstream: Upstream, patch: object = {}): object {
  return {
    breakers: {
      upstream: {
        trip: { consecutive: 3 },
        cooldownMs: 800,
        halfOpen: { probes: 1 },
        timeoutMs: 1_000,
        wires: [
          { kind: 'answer', methods: ['GET'], status: 200, body: 'from the wire' },
          { kind: 'buffer', methods: ['POST'] },
        ],
        ...patch,
      },
    },
    rules: [{ match: { host: upstream.host }, breaker: 'upstream' }],
    unmatched: 'none',
  };
}
