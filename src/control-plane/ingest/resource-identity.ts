import type { AgentIdentity } from './observation.ts';

/** A value of an OTLP attribute; undefined for arrays, maps and bytes, which nothing here reads. */
export type AttributeValue = string | number | boolean | undefined;

/** Takes attributes as they are read, in either encoding. */
export interface AttributeReceiver {
  attribute(key: string, value: AttributeValue): void;
}

/** Longest service, instance, version or environment that is taken, in characters. */
const MAX_LENGTH = 255;

/** What stands in where a resource has no `service.name`, as the OpenTelemetry specification has it. */
const UNKNOWN_SERVICE = 'unknown_service';

const READ_KEYS = new Set([
  'service.name',
  'service.namespace',
  'service.instance.id',
  'service.version',
  'deployment.environment.name',
  'deployment.environment',
  'k8s.pod.uid',
  'container.id',
  'host.name',
  'host.id',
  'process.pid',
]);

/** The attributes of one resource that say which process sent it. */
export class ResourceIdentity implements AttributeReceiver {
  readonly #values = new Map<string, string>();

  attribute(key: string, value: AttributeValue): void {
    if (READ_KEYS.has(key) && value !== undefined && value !== '') this.#values.set(key, String(value));
  }

  /**
   * The process, or the reason why it cannot be told.
   *
   * `service.instance.id` is optional in OpenTelemetry and some SDK set-ups leave it out. Then the process is named by
   * what else sets it apart: `k8s.pod.uid`, `container.id`, `host.name` (or `host.id`), the first two with the
   * `process.pid` where there is one, the host only with it. Where none of these is there, the data is turned away:
   * two processes under one made-up id would overwrite each other's state, and an operator would see a breaker flap
   * that does not.
   */
  agent(): AgentIdentity | string {
    const service = this.#service();
    const instance = this.#instance();
    if (instance === undefined)
      return `the resource of service ${short(service)} has no service.instance.id, nor host.name with process.pid, so its processes cannot be told apart`;
    const version = this.#values.get('service.version');
    const environment = this.#values.get('deployment.environment.name') ?? this.#values.get('deployment.environment');
    for (const [key, value] of Object.entries({ service, instance, version, environment }))
      if (value !== undefined && value.length > MAX_LENGTH)
        return `the ${key} of a resource is longer than ${MAX_LENGTH} characters: ${short(value)}`;
    return {
      service,
      instance,
      ...(version !== undefined && { version }),
      ...(environment !== undefined && { environment }),
    };
  }

  #service(): string {
    const name = this.#values.get('service.name') ?? UNKNOWN_SERVICE;
    const namespace = this.#values.get('service.namespace');
    return namespace === undefined ? name : `${namespace}/${name}`;
  }

  #instance(): string | undefined {
    const id = this.#values.get('service.instance.id');
    if (id !== undefined) return id;
    const pid = this.#values.get('process.pid');
    const box = this.#values.get('k8s.pod.uid') ?? this.#values.get('container.id');
    if (box !== undefined) return pid === undefined ? box : `${box}/${pid}`;
    const host = this.#values.get('host.name') ?? this.#values.get('host.id');
    return host !== undefined && pid !== undefined ? `${host}/${pid}` : undefined;
  }
}

function short(value: string): string {
  return value.length > 60 ? `${value.slice(0, 60)}…` : value;
}
