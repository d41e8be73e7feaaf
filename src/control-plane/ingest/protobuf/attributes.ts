import { type AttributeReceiver, type AttributeValue, ResourceIdentity } from '../resource-identity.ts';
import type { ProtobufScanner } from './scanner.ts';

/** Reads the message in the current field as a `KeyValue` of common.proto. */
export function scanAttribute(scan: ProtobufScanner, index: number, receiver: AttributeReceiver): void {
  let key = '';
  let value: AttributeValue;
  scan.enter('attributes', index);
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) key = scan.text('key');
    else if (field === 2) value = scanAnyValue(scan);
    else scan.skip();
  }
  scan.leave();
  receiver.attribute(key, value);
}

/**
 * Reads all of a `ResourceMetrics`, `ResourceLogs` or `ResourceSpans` for its resource, which protobuf allows to come
 * after what it describes; the scanner then stands at its start again.
 */
export function scanResource(scan: ProtobufScanner): ResourceIdentity {
  const identity = new ResourceIdentity();
  const start = scan.mark();
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field !== 1) {
      scan.skip();
      continue;
    }
    let index = 0;
    scan.enter('resource');
    for (let inner = scan.next(); inner !== 0; inner = scan.next()) {
      if (inner === 1) scanAttribute(scan, index++, identity);
      else scan.skip();
    }
    scan.leave();
  }
  scan.rewind(start);
  return identity;
}

function scanAnyValue(scan: ProtobufScanner): AttributeValue {
  let value: AttributeValue;
  scan.enter('value');
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) value = scan.text('stringValue');
    else if (field === 2) value = scan.int64('boolValue') !== 0;
    else if (field === 3) value = scan.int64('intValue');
    else if (field === 4) value = scan.double('doubleValue');
    else {
      scan.skip();
      value = undefined;
    }
  }
  scan.leave();
  return value;
}
