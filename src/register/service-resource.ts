import { randomUUID } from 'node:crypto';
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

/**
 * Who this process is, alike in its telemetry and to the control plane. The resource comes from `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES` and the detectors that `OTEL_NODE_RESOURCE_DETECTORS` names (all by default). Where no
 * `service.instance.id` is given, it is a new UUID.
 */
export function serviceResource(): { resource: Resource; identity: ServiceIdentity } {
  const given = detectResources({ detectors: [envDetector] });
  const instanceId = textOf(given, 'service.instance.id') ?? randomUUID();
  const resource = defaultResource()
    .merge(detectResources({ detectors: chosenDetectors() }))
    .merge(given)
    .merge(resourceFromAttributes({ 'service.instance.id': instanceId }));
  const namespace = textOf(given, 'service.namespace');
  const version = textOf(given, 'service.version');
  const identity: ServiceIdentity = {
    name: textOf(resource, 'service.name') ?? 'unknown_service:node',
    instanceId,
    ...(namespace !== undefined && { namespace }),
    ...(version !== undefined && { version }),
  };
  return { resource, identity };
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
