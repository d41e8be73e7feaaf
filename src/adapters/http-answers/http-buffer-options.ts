import type { BufferWireOptions } from '@switchgear/breaker';
import { type Check, InvalidInputError, integer, isRecord, type Problem } from '@switchgear/conventions';
import { headerName, methodList } from '../http-calls/http-checks.ts';
import type { HttpRequest } from '../http-calls/http-request.ts';

/** What requests are kept in order by: those of one value are replayed one after the other. */
export type OrderBy = 'path' | 'host' | { readonly header: string };

/** Those of `bufferWire`, and what is different of a request. */
export interface HttpBufferOptions extends Omit<BufferWireOptions, 'sizeOf'> {
  /** The methods that it takes in, in capitals, such as `['POST']`: a service that is told `202` must be able to live with it. */
  readonly methods: readonly string[];
  /** Most bytes of a body, 1 to 16,777,216; default 262,144. A request with a larger one is refused. */
  readonly maxBodyBytes?: number;
  /**
   * Requests of one path, of one host and port, or with one value of a header are replayed one after the other, in the order in
   * which they came. Default: in no order.
   */
  readonly orderBy?: OrderBy;
}

const OWN = { methods: methodList, maxBodyBytes: integer(1, 16 * 1024 * 1024) } as const;

const isOrderBy: Check = (value, field) => {
  if (value === 'path' || value === 'host') return [];
  if (isRecord(value) && Object.keys(value).join() === 'header') return headerName(value.header, `${field}.header`);
  return [{ field, rule: 'must be path, host or { header }', value }];
};

/** Takes what is the buffer's own off what is `bufferWire`'s. @throws InvalidInputError for one that breaks its rule */
export function splitBufferOptions(options: HttpBufferOptions): {
  readonly own: {
    readonly methods: readonly string[];
    readonly maxBodyBytes: number;
    readonly orderBy: OrderBy | undefined;
  };
  readonly buffer: BufferWireOptions;
} {
  if (!isRecord(options))
    throw new InvalidInputError([{ field: 'options', rule: 'must be an object', value: options }]);
  const { methods, maxBodyBytes, orderBy, ...buffer } = options;
  const problems: Problem[] = OWN.methods(methods, 'methods');
  if (maxBodyBytes !== undefined) problems.push(...OWN.maxBodyBytes(maxBodyBytes, 'maxBodyBytes'));
  if (orderBy !== undefined) problems.push(...isOrderBy(orderBy, 'orderBy'));
  if (problems.length > 0) throw new InvalidInputError(problems);
  return { own: { methods, maxBodyBytes: maxBodyBytes ?? 262_144, orderBy }, buffer };
}

/** The key of a request; undefined where it has none, and no order. */
export function orderKey(request: HttpRequest, orderBy: OrderBy | undefined): string | undefined {
  if (orderBy === undefined) return undefined;
  if (orderBy === 'host') return request.host;
  if (orderBy === 'path') return `${request.host}${request.path}`;
  return request.headers()[orderBy.header.toLowerCase()];
}
