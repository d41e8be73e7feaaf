import { type AttributeReceiver, type AttributeValue, ResourceIdentity } from '../resource-identity.ts';
import type { JsonMessage, JsonReader } from './json-reader.ts';

export function readAttributes(json: JsonReader, message: JsonMessage, receiver: AttributeReceiver): void {
  json.each(message, 'attributes', (attribute) => {
    let value: AttributeValue;
    json.message(attribute, 'value', (anyValue) => {
      value = readAnyValue(json, anyValue);
    });
    receiver.attribute(json.text(attribute, 'key'), value);
  });
}

export function readResource(json: JsonReader, message: JsonMessage): ResourceIdentity {
  const identity = new ResourceIdentity();
  json.message(message, 'resource', (resource) => readAttributes(json, resource, identity));
  return identity;
}

function readAnyValue(json: JsonReader, value: JsonMessage): AttributeValue {
  if (value.stringValue !== undefined && value.stringValue !== null) return json.text(value, 'stringValue');
  return json.boolean(value, 'boolValue') ?? json.int64(value, 'intValue') ?? json.double(value, 'doubleValue');
}
