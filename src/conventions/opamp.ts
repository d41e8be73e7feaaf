/**
 * The subset of OpAMP's messages that Switchgear speaks, in protobuf's JSON mapping: `bytes` are base64, 64-bit integers
 * are decimal strings, enums are their names. A standard OpAMP client sends the same messages as protobuf.
 * Field names and meanings: the OpAMP specification, opamp.proto.
 */

/** Where agents and the CLI find the control plane unless they are told otherwise. */
export const DEFAULT_CONTROL_PLANE_URL = 'http://127.0.0.1:4390';

/** A key with a value, as OTLP writes attributes. Only string values are used here. */
export interface OpampKeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

export interface OpampAgentDescription {
  /** `service.name`, `service.namespace`, `service.instance.id`, `service.version`. */
  readonly identifyingAttributes?: readonly OpampKeyValue[];
  readonly nonIdentifyingAttributes?: readonly OpampKeyValue[];
}

export interface OpampConfigFile {
  /** base64. */
  readonly body: string;
  readonly contentType: string;
}

export interface OpampConfigMap {
  readonly configMap: Readonly<Record<string, OpampConfigFile>>;
}

export const REMOTE_CONFIG_STATUSES = [
  'RemoteConfigStatuses_UNSET',
  'RemoteConfigStatuses_APPLIED',
  'RemoteConfigStatuses_APPLYING',
  'RemoteConfigStatuses_FAILED',
] as const;

export interface OpampRemoteConfigStatus {
  /** base64 of the hash of the last remote configuration received. */
  readonly lastRemoteConfigHash?: string;
  readonly status?: (typeof REMOTE_CONFIG_STATUSES)[number];
  readonly errorMessage?: string;
}

export interface OpampAgentToServer {
  /** base64 of 16 bytes: a UUID that lives as long as the process. */
  readonly instanceUid: string;
  /** Rises by 1 with each message; a gap makes the server ask for the full state. */
  readonly sequenceNum?: string;
  readonly agentDescription?: OpampAgentDescription;
  /** Bit mask, see OPAMP_AGENT_CAPABILITIES. */
  readonly capabilities?: string;
  readonly effectiveConfig?: { readonly configMap: OpampConfigMap };
  readonly remoteConfigStatus?: OpampRemoteConfigStatus;
  /** Present in the last message of an agent that stops. */
  readonly agentDisconnect?: Record<string, never>;
}

export interface OpampServerToAgent {
  readonly instanceUid: string;
  readonly errorResponse?: { readonly type?: string; readonly errorMessage?: string };
  readonly remoteConfig?: {
    readonly config: OpampConfigMap;
    /** base64 of the SHA-256 of the configuration. */
    readonly configHash: string;
  };
  /** Bit mask; 1 = ReportFullState. */
  readonly flags?: string;
  readonly capabilities?: string;
}

/** Bits of `AgentToServer.capabilities`. */
export const OPAMP_AGENT_CAPABILITIES = {
  reportsStatus: 1,
  acceptsRemoteConfig: 2,
  reportsEffectiveConfig: 4,
  reportsRemoteConfig: 0x1000,
} as const;

/** Bits of `ServerToAgent.capabilities`. */
export const OPAMP_SERVER_CAPABILITIES = {
  acceptsStatus: 1,
  offersRemoteConfig: 2,
  acceptsEffectiveConfig: 4,
} as const;

/** Bit of `ServerToAgent.flags`. */
export const OPAMP_REPORT_FULL_STATE = 1;
