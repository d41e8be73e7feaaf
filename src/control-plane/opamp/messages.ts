/**
 * OpAMP's messages as the control plane works with them, whichever encoding they came in. The subset is that of
 * `conventions/opamp.ts`; other fields of the protocol are read over.
 */
export interface AgentMessage {
  /** 16 bytes. */
  readonly instanceUid: Uint8Array;
  readonly sequenceNum: bigint;
  readonly agentDescription?: AgentDescription;
  /** Bit mask; absent where the message did not carry it. */
  readonly capabilities?: bigint;
  readonly effectiveConfig?: ReadonlyMap<string, ConfigFile>;
  readonly remoteConfigStatus?: RemoteConfigStatus;
  readonly agentDisconnect: boolean;
}

/** Only attributes with a string value. */
export interface AgentDescription {
  readonly identifying: ReadonlyMap<string, string>;
  readonly nonIdentifying: ReadonlyMap<string, string>;
}

export interface ConfigFile {
  readonly body: Uint8Array;
  readonly contentType: string;
}

export const CONFIG_STATUSES = ['unset', 'applied', 'applying', 'failed'] as const;
export type ConfigStatus = (typeof CONFIG_STATUSES)[number];

export interface RemoteConfigStatus {
  /** Empty where none was received yet. */
  readonly lastRemoteConfigHash: Uint8Array;
  readonly status: ConfigStatus;
  /** Empty where nothing failed. */
  readonly errorMessage: string;
}

export interface ServerMessage {
  readonly instanceUid: Uint8Array;
  readonly remoteConfig?: { readonly name: string; readonly file: ConfigFile; readonly hash: Uint8Array };
  /** Bit mask; 0 for none. */
  readonly flags: number;
  readonly capabilities: number;
}

/** One encoding of the messages. `decode` throws InvalidInputError naming the field. */
export interface OpampCodec {
  readonly contentType: string;
  decode(body: Uint8Array): AgentMessage;
  encode(message: ServerMessage): Buffer;
}
