import { InvalidInputError, isRecord, type OpampServerToAgent, REMOTE_CONFIG_STATUSES } from '@switchgear/conventions';
import {
  type AgentDescription,
  type AgentMessage,
  CONFIG_STATUSES,
  type ConfigFile,
  type OpampCodec,
  type RemoteConfigStatus,
  type ServerMessage,
} from './messages.ts';

/** OpAMP in protobuf's JSON mapping: bytes are base64, 64-bit integers decimal strings, enums their names. */
export const jsonCodec: OpampCodec = {
  contentType: 'application/json',
  decode(body) {
    const message = record(parse(body), 'body');
    return {
      instanceUid: uid(message.instanceUid),
      sequenceNum: uint64(message.sequenceNum, 'sequenceNum') ?? 0n,
      agentDisconnect: isPresent(message.agentDisconnect),
      ...present('agentDescription', message.agentDescription, description),
      ...present('capabilities', uint64(message.capabilities, 'capabilities'), (value) => value as bigint),
      ...present('effectiveConfig', message.effectiveConfig, effectiveConfig),
      ...present('remoteConfigStatus', message.remoteConfigStatus, remoteConfigStatus),
    };
  },
  encode(message) {
    return Buffer.from(JSON.stringify(toJson(message)));
  },
};

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new InvalidInputError([
      {
        field: 'body',
        rule: `must be JSON (${(error as Error).message})`,
        value: body.length === 0 ? undefined : `${body.length} bytes`,
      },
    ]);
  }
}

function toJson({ instanceUid, remoteConfig, flags, capabilities }: ServerMessage): OpampServerToAgent {
  return {
    instanceUid: base64(instanceUid),
    ...(remoteConfig && {
      remoteConfig: {
        config: {
          configMap: {
            [remoteConfig.name]: { body: base64(remoteConfig.file.body), contentType: remoteConfig.file.contentType },
          },
        },
        configHash: base64(remoteConfig.hash),
      },
    }),
    ...(flags !== 0 && { flags: String(flags) }),
    capabilities: String(capabilities),
  };
}

function uid(value: unknown): Uint8Array {
  const bytes = value === undefined ? undefined : decodeBase64(value, 'instanceUid');
  if (bytes?.length !== 16) fail('instanceUid', 'must be base64 of 16 bytes', value);
  return bytes;
}

function description(value: unknown, field: string): AgentDescription {
  const parts = record(value, field);
  return {
    identifying: attributes(parts.identifyingAttributes, `${field}.identifyingAttributes`),
    nonIdentifying: attributes(parts.nonIdentifyingAttributes, `${field}.nonIdentifyingAttributes`),
  };
}

function attributes(value: unknown, field: string): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  if (!isPresent(value)) return result;
  if (!Array.isArray(value)) fail(field, 'must be a list', value);
  value.forEach((item: unknown, index) => {
    const pair = record(item, `${field}[${index}]`);
    const key = text(pair.key, `${field}[${index}].key`);
    if (!isPresent(pair.value)) return;
    const { stringValue } = record(pair.value, `${field}[${index}].value`);
    if (isPresent(stringValue)) result.set(key, text(stringValue, `${field}[${index}].value.stringValue`));
  });
  return result;
}

function effectiveConfig(value: unknown, field: string): ReadonlyMap<string, ConfigFile> {
  const files = new Map<string, ConfigFile>();
  const { configMap } = record(value, field);
  if (!isPresent(configMap)) return files;
  const inner = record(configMap, `${field}.configMap`).configMap;
  if (!isPresent(inner)) return files;
  const at = `${field}.configMap.configMap`;
  for (const [name, item] of Object.entries(record(inner, at))) {
    const file = record(item, `${at}.${name}`);
    files.set(name, {
      body: isPresent(file.body) ? decodeBase64(file.body, `${at}.${name}.body`) : new Uint8Array(),
      contentType: isPresent(file.contentType) ? text(file.contentType, `${at}.${name}.contentType`) : '',
    });
  }
  return files;
}

function remoteConfigStatus(value: unknown, field: string): RemoteConfigStatus {
  const { lastRemoteConfigHash, status, errorMessage } = record(value, field);
  return {
    lastRemoteConfigHash: isPresent(lastRemoteConfigHash)
      ? decodeBase64(lastRemoteConfigHash, `${field}.lastRemoteConfigHash`)
      : new Uint8Array(),
    status: CONFIG_STATUSES[isPresent(status) ? statusNumber(status, `${field}.status`) : 0]!,
    errorMessage: isPresent(errorMessage) ? text(errorMessage, `${field}.errorMessage`) : '',
  };
}

/** Protobuf's JSON mapping takes an enum's number as well as its name. */
function statusNumber(value: unknown, field: string): number {
  const number = typeof value === 'number' ? value : (REMOTE_CONFIG_STATUSES as readonly unknown[]).indexOf(value);
  if (!Number.isInteger(number) || number < 0 || number >= CONFIG_STATUSES.length) {
    fail(field, `must be one of ${REMOTE_CONFIG_STATUSES.join(', ')}`, value);
  }
  return number;
}

function uint64(value: unknown, field: string): bigint | undefined {
  if (!isPresent(value)) return undefined;
  const isText = typeof value === 'string' && /^\d{1,20}$/.test(value);
  const isNumber = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  if (!isText && !isNumber) fail(field, 'must be an unsigned integer as a decimal string', value);
  return BigInt(value as string | number);
}

function decodeBase64(value: unknown, field: string): Uint8Array {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) fail(field, 'must be base64', value);
  return Buffer.from(value, 'base64');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string') fail(field, 'must be a string', value);
  return value;
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (!isRecord(value)) fail(field, 'must be an object', value);
  return value;
}

/** Protobuf's JSON mapping reads null as absent. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function present<Name extends keyof AgentMessage, Value>(
  name: Name,
  value: unknown,
  read: (value: unknown, field: string) => Value,
): { [Key in Name]?: Value } {
  return (isPresent(value) ? { [name]: read(value, name) } : {}) as { [Key in Name]?: Value };
}

function fail(field: string, rule: string, value: unknown): never {
  throw new InvalidInputError([{ field, rule, value }]);
}
