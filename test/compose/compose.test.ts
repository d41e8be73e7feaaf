import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ComposeService, composeFile, environmentOf, ROOT, readText, readYaml } from './compose-file.ts';

const compose = composeFile();
const services = Object.entries(compose.services).map(([name, service]) => ({ name, service }));
const ours = /^switchgear:/;

describe('docker-compose.yml', () => {
  test('has every part of the stack', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(
      ['alertmanager', 'collector', 'control-plane', 'demo', 'grafana', 'loki', 'prometheus', 'tempo'].toSorted(),
    );
  });

  test.each(services)('$name runs an image pinned to a version', ({ service }) => {
    expect(service.image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  test('the images of our own are built here, at the version of the package', () => {
    const { version } = JSON.parse(readText('package.json')) as { version: string };
    const own = services.filter(({ service }) => ours.test(service.image!));
    expect(own.map(({ service }) => service.image)).toEqual([`switchgear:${version}`, `switchgear:${version}`]);
    expect(own.filter(({ service }) => service.build !== undefined)).toHaveLength(1);
  });

  test.each(services)('what $name mounts exists, and every volume is declared', ({ service }) => {
    for (const volume of service.volumes ?? []) {
      const source = volume.split(':')[0]!;
      if (source.startsWith('./')) expect(existsSync(join(ROOT, source)), source).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  test('no declared volume is left over', () => {
    const used = services.flatMap(({ service }) => service.volumes ?? []).map((volume) => volume.split(':')[0]!);
    expect(Object.keys(compose.volumes).filter((name) => !used.includes(name))).toEqual([]);
  });

  test.each(services)('$name has a health check or says why not', ({ service }) => {
    if (service.healthcheck) expect(service.healthcheck.test.length).toBeGreaterThan(1);
    else expect(service['x-no-healthcheck']?.length ?? 0).toBeGreaterThan(20);
  });

  test.each(services)('$name is reachable on loopback alone', ({ service }) => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('no two services publish the same port', () => {
    const ports = services.flatMap(({ service }) => service.ports ?? []).map((port) => port.split(':')[1]);
    expect(new Set(ports).size).toBe(ports.length);
  });

  test.each(services)(
    '$name waits only for services that exist, and for health only where there is a check',
    ({ service }) => {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(compose.services).toHaveProperty([other]);
        if (condition === 'service_healthy') expect(compose.services[other]!.healthcheck, other).toBeDefined();
      }
    },
  );

  test('no secret is written into it', () => {
    for (const { service } of services) {
      for (const [name, value] of Object.entries(service.environment ?? {})) {
        if (!/TOKEN|PASSWORD|SECRET/.test(name)) continue;
        expect(value === null || /^\$\{[A-Z_]+:\?/.test(value), name).toBe(true);
      }
    }
  });

  test('Grafana lets viewers in and has no administrator with a default password', () => {
    expect(compose.services.grafana!.environment).toMatchObject({
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
      GF_AUTH_DISABLE_LOGIN_FORM: 'true',
      GF_AUTH_BASIC_ENABLED: 'false',
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
    });
  });
});

describe('the collector of the stack', () => {
  const collector = compose.services.collector as ComposeService;
  const files = ['otel-collector.yaml', 'dashboards/otel-backends.yaml'];

  test('gets every variable that its configuration reads but for the memory limit, and no other', () => {
    const read = files.flatMap(environmentOf).filter((name) => name !== 'OTELCOL_MEMORY_LIMIT_MIB');
    expect(Object.keys(collector.environment!).toSorted()).toEqual([...new Set(read)].toSorted());
  });

  test.each(files)('every variable of %s is explained at its top and has a default', (file) => {
    const comments = readText(file)
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .join('\n');
    for (const name of environmentOf(file)) expect(comments).toContain(name);
    expect(readText(file)).not.toMatch(/\$\{env:[A-Z0-9_]+\}/);
  });

  test('limits memory first in every pipeline, and each part of a pipeline is configured', () => {
    const base = readYaml('otel-collector.yaml') as CollectorFile;
    const overlay = readYaml('dashboards/otel-backends.yaml') as CollectorFile;
    const exporters = { ...base.exporters, ...overlay.exporters };
    for (const pipeline of [...Object.values(base.service.pipelines), ...Object.values(overlay.service.pipelines)]) {
      expect(pipeline.processors[0]).toBe('memory_limiter');
      for (const receiver of pipeline.receivers) expect(base.receivers).toHaveProperty([receiver]);
      for (const exporter of pipeline.exporters) expect(exporters).toHaveProperty([exporter]);
    }
    for (const extension of base.service.extensions ?? []) expect(base.extensions).toHaveProperty([extension]);
  });

  test('sends metrics to Prometheus and to the control plane, and events to the control plane', () => {
    const { metrics, logs } = (readYaml('otel-collector.yaml') as CollectorFile).service.pipelines;
    expect(metrics!.exporters).toEqual(['prometheus', 'otlp_http/switchgear']);
    expect(logs!.exporters).toEqual(['otlp_http/switchgear']);
  });

  test('is of the line that the tests build, with the parts that its configuration names', () => {
    const manifest = readYaml('test/stack/collector-builder.yaml') as Manifest;
    expect(collector.image).toBe(`otel/opentelemetry-collector-contrib:${manifest.dist.version}`);
    const modules = [...manifest.receivers, ...manifest.processors, ...manifest.exporters, ...manifest.extensions];
    const built = modules.map(({ gomod }) => gomod.split(' ')[0]!.split('/').at(-1)).toSorted();
    const base = readYaml('otel-collector.yaml') as CollectorFile;
    const named = [
      ...componentModules(base.receivers, 'receiver'),
      ...componentModules(base.processors, 'processor'),
      ...componentModules(base.exporters, 'exporter'),
      ...componentModules(base.extensions, 'extension'),
    ];
    // File storage is the one module that is not named `…extension`.
    expect(built).toEqual(named.map((name) => name.replace('filestorageextension', 'filestorage')).toSorted());
  });
});

describe('Dockerfile', () => {
  const lines = readText('Dockerfile').split('\n');

  test('runs the Node version that the repository pins', () => {
    const { devDependencies } = JSON.parse(readText('package.json')) as { devDependencies: { node: string } };
    const bases = lines.filter((line) => line.startsWith('FROM '));
    expect(bases).toHaveLength(2);
    for (const base of bases) expect(base).toContain(`node:${devDependencies.node}-slim`);
  });

  test('copies the manifest of every workspace before it installs', () => {
    const { workspaces } = JSON.parse(readText('package.json')) as { workspaces: string[] };
    for (const workspace of workspaces) expect(lines).toContain(`COPY ${workspace}/package.json ${workspace}/`);
  });

  test('copies only what exists and what .dockerignore lets through', () => {
    const copies = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(' ').slice(1, -1));
    const allowed = readText('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    for (const path of copies) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(
        allowed.some((line) => path === line.slice(1) || path.startsWith('src')),
        path,
      ).toBe(true);
    }
  });

  test('does not run as root, and checks its health', () => {
    const start = lines.findLastIndex((line) => line.startsWith('CMD '));
    const user = lines.findLastIndex((line) => line.startsWith('USER '));
    expect(lines[user]).toBe('USER node');
    expect(user).toBeLessThan(start);
    expect(lines.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
  });
});

describe('Grafana provisioning', () => {
  test('its data sources are services of the stack, at ports they listen on', () => {
    const { datasources } = readYaml('dashboards/provisioning/datasources/switchgear.yaml') as {
      datasources: { uid: string; url: string }[];
    };
    for (const { url } of datasources) expect(compose.services).toHaveProperty([new URL(url).hostname]);
    expect(datasources.map(({ uid }) => uid)).toEqual(['prometheus', 'alertmanager', 'tempo', 'loki']);
  });

  test('its dashboards are mounted where the provider looks', () => {
    const { providers } = readYaml('dashboards/provisioning/dashboards/switchgear.yaml') as {
      providers: { options: { path: string } }[];
    };
    const mounts = compose.services.grafana!.volumes!;
    for (const file of ['fleet.json', 'neutral-wires.json']) {
      expect(mounts).toContain(`./dashboards/${file}:${providers[0]!.options.path}/${file}:ro`);
    }
  });
});

interface CollectorFile {
  readonly receivers: Readonly<Record<string, unknown>>;
  readonly processors: Readonly<Record<string, unknown>>;
  readonly exporters: Readonly<Record<string, unknown>>;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly service: {
    readonly extensions?: readonly string[];
    readonly pipelines: Readonly<
      Record<string, { receivers: readonly string[]; processors: readonly string[]; exporters: readonly string[] }>
    >;
  };
}

type Modules = readonly { readonly gomod: string }[];

interface Manifest {
  readonly dist: { readonly version: string };
  readonly receivers: Modules;
  readonly processors: Modules;
  readonly exporters: Modules;
  readonly extensions: Modules;
}

/** `otlp_http/switchgear` comes from the module `otlphttpexporter`. */
function componentModules(section: Readonly<Record<string, unknown>>, kind: string): string[] {
  return Object.keys(section).map((name) => `${name.split('/')[0]!.replaceAll('_', '')}${kind}`);
}
