import { GRPC_STATUSES } from '@switchgear/conventions';

/** An error of the system or of a client. */
export function coded(code: string, more: object = {}): Error {
  return Object.assign(new Error(code), { code }, more);
}

export function answered(status: number): Error {
  return Object.assign(new Error(`answered ${status}`), { status });
}

/** As `@grpc/grpc-js` makes them. */
export function grpcError(name: string): Error {
  const code = (GRPC_STATUSES as readonly string[]).indexOf(name);
  return Object.assign(new Error(`${code} ${name}: for a reason`), { code, details: 'for a reason', metadata: {} });
}

/** As `pg` makes them. */
export function sqlError(code: string): Error {
  return Object.assign(new Error('for a reason'), { code, severity: 'ERROR' });
}

/** As `ioredis` makes them. */
export function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}
