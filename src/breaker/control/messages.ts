import {
  DESIRED_STATE_FILE,
  INVENTORY_FILE,
  INVENTORY_SCHEMA,
  type Inventory,
  type InventoryBreaker,
  OPAMP_AGENT_CAPABILITIES,
  type OpampAgentDescription,
  type OpampConfigMap,
  type OpampKeyValue,
  type OpampServerToAgent,
  parseDesiredState,
} from '@switchgear/conventions';
import type { DesiredBreakers } from './desired-breakers.ts';
import type { SteeredBreaker } from './steered-breaker.ts';

/** The process as the control plane knows it: the same words as its telemetry's resource. */
export interface ServiceIdentity {
  /** `service.name`. */
  readonly name: string;
  /** `service.instance.id`. */
  readonly instanceId: string;
  /** `service.namespace`. */
  readonly namespace?: string | undefined;
  /** `service.version`. */
  readonly version?: string | undefined;
  /** `deployment.environment.name`. */
  readonly environment?: string | undefined;
}

/** Bits of what this agent does, for `AgentToServer.capabilities`. */
export const CAPABILITIES = String(
  Object.values(OPAMP_AGENT_CAPABILITIES).reduce((bits, capability) => bits | capability, 0),
);

export function describeAgent(service: ServiceIdentity): OpampAgentDescription {
  return {
    identifyingAttributes: keyValues({
      'service.name': service.name,
      'service.namespace': service.namespace,
      'service.instance.id': service.instanceId,
      'service.version': service.version,
    }),
    // The same process in another environment is no other process.
    nonIdentifyingAttributes: keyValues({ 'deployment.environment.name': service.environment }),
  };
}

function keyValues(attributes: Readonly<Record<string, string | undefined>>): OpampKeyValue[] {
  return Object.entries(attributes).flatMap(([key, stringValue]) =>
    stringValue === undefined ? [] : [{ key, value: { stringValue } }],
  );
}

/** The breakers as they are in effect. */
export function inventoryOf(breakers: readonly SteeredBreaker[], desired: DesiredBreakers): OpampConfigMap {
  const inventory: Inventory = {
    schema: INVENTORY_SCHEMA,
    breakers: Object.fromEntries(breakers.map((breaker) => [breaker.name, describeBreaker(breaker, desired)])),
  };
  const body = Buffer.from(JSON.stringify(inventory)).toString('base64');
  return { configMap: { [INVENTORY_FILE]: { body, contentType: 'application/json' } } };
}

function describeBreaker(breaker: SteeredBreaker, desired: DesiredBreakers): InventoryBreaker {
  const applied = desired.applied(breaker.name);
  return {
    state: breaker.state,
    generation: breaker.generation,
    settings: breaker.settings,
    neutralWires: breaker.neutralWires.map((wire) => {
      const capacity = wire.load?.().capacity;
      return { name: wire.name, kind: wire.kind, ...(capacity !== undefined && { capacity }) };
    }),
    ...(applied && { applied }),
  };
}

/**
 * The desired state in an answer; undefined where the answer brings none.
 * @throws InvalidInputError where the document breaks a rule
 */
export function desiredStateIn({ remoteConfig }: OpampServerToAgent): ReturnType<typeof parseDesiredState> | undefined {
  const file = remoteConfig?.config?.configMap?.[DESIRED_STATE_FILE];
  return file && parseDesiredState(Buffer.from(file.body, 'base64').toString('utf8'));
}
