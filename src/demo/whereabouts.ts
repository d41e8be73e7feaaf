import type { ControlPlaneHandle } from './control-plane-keeper.ts';
import { SERVICES, type ServiceName } from './messages.ts';
import type { Services } from './start-services.ts';

/** Where everything is found, for the user. */
export function addressLines({ url, operatorToken, pid }: ControlPlaneHandle, services: Services): string[] {
  const prometheus = SERVICES.map((name) => `  ${name.padEnd(11)} ${services[name].prometheusUrl ?? 'none'}`);
  return [
    '',
    `Console       ${url}/#token=${operatorToken}`,
    `API           curl -H 'Authorization: Bearer ${operatorToken}' ${url}/api/v1/breakers`,
    'Prometheus',
    ...prometheus,
    ...(pid === null ? [] : [`Control plane process ${pid}; try kill -9 ${pid}: the services do not mind`]),
    '',
  ];
}

/** The same and more, for programs that watch the demo: what `--json` writes. */
export function whereabouts(controlPlane: ControlPlaneHandle, services: Services): object {
  const all = Object.values(services);
  const byName = <T>(value: (service: Services[ServiceName]) => T) =>
    Object.fromEntries(all.map((service) => [service.name, value(service)]));
  const { url, operatorToken, agentToken, pid } = controlPlane;
  return {
    urls: {
      controlPlane: url,
      ...byName((service) => service.url),
      prometheus: byName((service) => service.prometheusUrl),
    },
    pids: { demo: process.pid, controlPlane: pid, ...byName((service) => service.pid) },
    tokens: { operator: operatorToken, agent: agentToken },
    instances: byName((service) => service.instance),
    breakers: all.flatMap(({ name, breakers }) => breakers.map(({ breaker }) => ({ service: name, breaker }))),
  };
}
