import { randomUUID } from 'node:crypto';
import type { Attributes } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  type Resource,
  type ResourceDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import type { ServiceIdentity } from '@switchgear/breaker';
import { ownPackage } from './own-package.ts';

const DETECTORS: Readonly<Record<string, readonly ResourceDetector[]>> = {
  host: [hostDetector],
  os: [osDetector],
  process: [processDetector],
  // The identity comes from the environment in any case, and the instance id is always there.
  env: [],
  serviceinstance: [],
  service: [],
  none: [],
};

/** As the OpenTelemetry specification has it, with the name of the executable. */
const UNKNOWN_SERVICE = 'unknown_service:node';

/**
 * Who this process is, alike in its telemetry and to the control plane. The resource comes from `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES` and the detectors that `OTEL_NODE_RESOURCE_DETECTORS` names (all by default). Where these give no
 * `service.name` or no `service.version`, it is that of the service's own `package.json`; where no `service.instance.id` is given,
 * it is a new UUID.
 */
export function serviceResource(): { resource: Resource; identity: ServiceIdentity } {
  const given = detectResources({ detectors: [envDetector] });
  const own = ownAttributes(given);
  const instanceId = textOf(given, 'service.instance.id') ?? randomUUID();
  const resource = defaultResource()
    .merge(detectResources({ detectors: chosenDetectors() }))
    .merge(given)
    .merge(resourceFromAttributes({ ...own, 'service.instance.id': instanceId }));
  const namespace = textOf(resource, 'service.namespace');
  const version = textOf(resource, 'service.version');
  const environment = textOf(resource, 'deployment.environment.name') ?? textOf(resource, 'deployment.environment');
  const identity: ServiceIdentity = {
    name: textOf(resource, 'service.name') ?? UNKNOWN_SERVICE,
    instanceId,
    ...(namespace !== undefined && { namespace }),
    ...(version !== undefined && { version }),
    ...(environment !== undefined && { environment }),
  };
  return { resource, identity };
}

/** What the environment leaves open and the service's own package says. */
function ownAttributes(given: Resource): Attributes {
  const own = ownPackage(process.argv[1], process.cwd());
  const isOpen = (key: string) => textOf(given, key) === undefined;
  return {
    // The SDK's own would be the path that node was started by.
    ...(isOpen('service.name') && { 'service.name': own?.name ?? UNKNOWN_SERVICE }),
    ...(own?.version !== undefined && isOpen('service.version') && { 'service.version': own.version }),
  };
}

function chosenDetectors(): ResourceDetector[] {
  const names = (process.env.OTEL_NODE_RESOURCE_DETECTORS ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const all = names.length === 0 || names.includes('all');
  return (all ? Object.keys(DETECTORS) : names).flatMap((name) => DETECTORS[name] ?? []);
}

/** The environment's attributes are there at once; only detectors that ask the host are awaited, and by the SDK. */
function textOf(resource: Resource, key: string): string | undefined {
  const found = resource.getRawAttributes().find(([name]) => name === key)?.[1];
  return typeof found === 'string' && found !== '' ? found : undefined;
}
