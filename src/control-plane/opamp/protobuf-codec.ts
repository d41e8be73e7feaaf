import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { InvalidInputError } from '@switchgear/conventions';
import {
  type AgentDescription,
  type AgentMessage,
  CONFIG_STATUSES,
  type ConfigFile,
  type OpampCodec,
  type RemoteConfigStatus,
  type ServerMessage,
} from './messages.ts';

/** OpAMP as standard clients speak it. Field numbers: opamp.proto of the OpAMP specification. */
export const protobufCodec: OpampCodec = {
  contentType: 'application/x-protobuf',
  decode(body) {
    try {
      return agentToServer(body);
    } catch (error) {
      if (error instanceof InvalidInputError) throw error;
      const rule = `must be a protobuf AgentToServer message (${(error as Error).message})`;
      throw new InvalidInputError([{ field: 'body', rule, value: `${body.length} bytes` }]);
    }
  },
  encode: serverToAgent,
};

function agentToServer(body: Uint8Array): AgentMessage {
  const message: { -readonly [Key in keyof AgentMessage]: AgentMessage[Key] } = {
    instanceUid: new Uint8Array(),
    sequenceNum: 0n,
    agentDisconnect: false,
  };
  eachField(body, 'body', {
    1: [WireType.LengthDelimited, (reader) => (message.instanceUid = reader.bytes())],
    2: [WireType.Varint, (reader) => (message.sequenceNum = BigInt(reader.uint64()))],
    3: [WireType.LengthDelimited, (reader) => (message.agentDescription = agentDescription(reader.bytes()))],
    4: [WireType.Varint, (reader) => (message.capabilities = BigInt(reader.uint64()))],
    6: [WireType.LengthDelimited, (reader) => (message.effectiveConfig = effectiveConfig(reader.bytes()))],
    7: [WireType.LengthDelimited, (reader) => (message.remoteConfigStatus = remoteConfigStatus(reader.bytes()))],
    9: [
      WireType.LengthDelimited,
      (reader) => {
        reader.bytes();
        message.agentDisconnect = true;
      },
    ],
  });
  if (message.instanceUid.length !== 16) {
    fail('instance_uid', 'must be 16 bytes', `${message.instanceUid.length} bytes`);
  }
  return message;
}

function agentDescription(body: Uint8Array): AgentDescription {
  const identifying = new Map<string, string>();
  const nonIdentifying = new Map<string, string>();
  eachField(body, 'agent_description', {
    1: [WireType.LengthDelimited, (reader) => keyValue(reader.bytes(), identifying)],
    2: [WireType.LengthDelimited, (reader) => keyValue(reader.bytes(), nonIdentifying)],
  });
  return { identifying, nonIdentifying };
}

function keyValue(body: Uint8Array, into: Map<string, string>): void {
  let key = '';
  let value: string | undefined;
  eachField(body, 'agent_description.attributes', {
    1: [WireType.LengthDelimited, (reader) => (key = reader.string(true))],
    2: [
      WireType.LengthDelimited,
      (reader) =>
        eachField(reader.bytes(), 'agent_description.attributes.value', {
          1: [WireType.LengthDelimited, (inner) => (value = inner.string(true))],
        }),
    ],
  });
  if (value !== undefined) into.set(key, value);
}

function effectiveConfig(body: Uint8Array): ReadonlyMap<string, ConfigFile> {
  const files = new Map<string, ConfigFile>();
  eachField(body, 'effective_config', {
    1: [
      WireType.LengthDelimited,
      (reader) =>
        eachField(reader.bytes(), 'effective_config.config_map', {
          1: [WireType.LengthDelimited, (inner) => configEntry(inner.bytes(), files)],
        }),
    ],
  });
  return files;
}

function configEntry(body: Uint8Array, files: Map<string, ConfigFile>): void {
  let name = '';
  const file = { body: new Uint8Array() as Uint8Array, contentType: '' };
  eachField(body, 'effective_config.config_map', {
    1: [WireType.LengthDelimited, (reader) => (name = reader.string(true))],
    2: [
      WireType.LengthDelimited,
      (reader) =>
        eachField(reader.bytes(), 'effective_config.config_map', {
          1: [WireType.LengthDelimited, (inner) => (file.body = inner.bytes())],
          2: [WireType.LengthDelimited, (inner) => (file.contentType = inner.string(true))],
        }),
    ],
  });
  files.set(name, file);
}

function remoteConfigStatus(body: Uint8Array): RemoteConfigStatus {
  let status = 0;
  const result = { lastRemoteConfigHash: new Uint8Array() as Uint8Array, errorMessage: '' };
  eachField(body, 'remote_config_status', {
    1: [WireType.LengthDelimited, (reader) => (result.lastRemoteConfigHash = reader.bytes())],
    2: [WireType.Varint, (reader) => (status = reader.int32())],
    3: [WireType.LengthDelimited, (reader) => (result.errorMessage = reader.string(true))],
  });
  const word = CONFIG_STATUSES[status];
  if (!word) fail('remote_config_status.status', 'must be a status from 0 to 3', status);
  return { ...result, status: word };
}

function serverToAgent({ instanceUid, remoteConfig, flags, capabilities }: ServerMessage): Buffer {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).bytes(instanceUid);
  if (remoteConfig) {
    const { name, file, hash } = remoteConfig;
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).bytes(file.body);
    writer.tag(2, WireType.LengthDelimited).string(file.contentType);
    writer.join().join().join();
    writer.tag(2, WireType.LengthDelimited).bytes(hash);
    writer.join();
  }
  if (flags !== 0) writer.tag(6, WireType.Varint).uint64(flags);
  writer.tag(7, WireType.Varint).uint64(capabilities);
  return Buffer.from(writer.finish());
}

/** Reads the fields it knows and skips the others; a known field with another wire type is refused by its number. */
function eachField(
  body: Uint8Array,
  at: string,
  fields: Readonly<Record<number, readonly [WireType, (reader: BinaryReader) => unknown]>>,
): void {
  const reader = new BinaryReader(body);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields[number];
    if (!field) reader.skip(wireType, number);
    else if (field[0] !== wireType) fail(`${at}.${number}`, `must have wire type ${field[0]}`, wireType);
    else field[1](reader);
  }
}

function fail(field: string, rule: string, value: unknown): never {
  throw new InvalidInputError([{ field, rule, value }]);
}
