import type { CallContext } from '@switchgear/breaker';
import type { HttpExchange } from './http-exchange.ts';
import type { KeptRequest, ResponseHead } from './http-request.ts';
import { sendKept } from './send-kept.ts';

/** What every breaker protects for HTTP calls: one function under one name, so that a durable spool finds it after a restart. */
export const HTTP_OPERATION = {
  name: 'http',
  run(input: HttpExchange | KeptRequest, context: CallContext): Promise<ResponseHead> {
    return 'send' in input ? input.send(context) : sendKept(input, context);
  },
} as const;
