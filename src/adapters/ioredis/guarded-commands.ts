import type { Breaker } from '@switchgear/breaker';
import type { ChooseBreaker } from '../outgoing/guarded-by.ts';
import { plainAnswer } from '../outgoing/plain-answer.ts';
import { isUnguarded } from '../outgoing/unguarded.ts';
import { goesPast } from './goes-past.ts';
import { GuardedBatch } from './guarded-batch.ts';
import type { Command, RedisClient } from './ioredis-types.ts';
import { type RedisCall, redisCallOf } from './redis-call.ts';

type Send = RedisClient['sendCommand'];

interface MarkedCommand extends Command {
  [SEEN]?: boolean;
}

/**
 * On commands that have come by: a cluster hands them to a node, and they are sent again after a wait for the connection. A property,
 * since a set that holds each command weakly costs more than all the rest.
 */
const SEEN = Symbol('switchgear.seen');
const batches = new WeakMap<object, GuardedBatch | undefined>();
/** Clients in a transaction that is written by hand. */
const inTransaction = new WeakSet<RedisClient>();

/** `sendCommand` of a client, or of a cluster, under a breaker. */
export function guardedCommands(choose: ChooseBreaker): (original: Send) => Send {
  return (original) =>
    function (this: RedisClient, command, stream, node) {
      const send = () => original.call(this, command, stream, node);
      if ((command as MarkedCommand)[SEEN]) return send();
      (command as MarkedCommand)[SEEN] = true;
      if (isPipeline(stream)) return sendOfBatch(this, command, stream, choose, send);
      const name = command.name.toLowerCase();
      if (isInTransaction(this, name) || goesPast(command, name) || isUnguarded()) return send();
      const call = redisCallOf(this, name.toUpperCase());
      const breaker = choose(call);
      if (!breaker) return send();
      const input = breaker.neutralWires.length > 0 ? { ...call, args: command.args } : undefined;
      return sendGuarded(breaker, command, input, send);
    };
}

/** The command's own promise stays its caller's. What it is told by the client is told to the breaker, and by that to the promise. */
function sendGuarded(breaker: Breaker, command: Command, input: RedisCall | undefined, send: () => unknown): unknown {
  const { resolve, reject } = command;
  const reply = Promise.withResolvers<unknown>();
  let returned: unknown = command.promise;
  const ended = breaker.execute(() => {
    command.resolve = reply.resolve;
    command.reject = reply.reject;
    returned = send();
    return reply.promise;
  }, input && { input });
  ended.then(
    (answer) => resolve.call(command, input ? plainAnswer(answer) : answer),
    (error) => reject.call(command, error),
  );
  return returned;
}

/** A pipeline is one call, and so is a transaction, which is a pipeline too. */
function sendOfBatch(
  client: RedisClient,
  command: Command,
  stream: object,
  choose: ChooseBreaker,
  send: () => unknown,
): unknown {
  if (!batches.has(stream)) {
    const method = command.name === 'multi' ? 'MULTI' : 'PIPELINE';
    const breaker = isUnguarded() ? undefined : choose(redisCallOf(client, method));
    batches.set(stream, breaker && new GuardedBatch(breaker));
  }
  const batch = batches.get(stream);
  return batch ? batch.send(command, send) : send();
}

function isInTransaction(client: RedisClient, name: string): boolean {
  if (name === 'multi') inTransaction.add(client);
  const isIn = inTransaction.has(client);
  if (name === 'exec' || name === 'discard') inTransaction.delete(client);
  return isIn;
}

function isPipeline(stream: object | undefined): stream is object {
  return stream !== undefined && (stream as { readonly isPipeline?: unknown }).isPipeline === true;
}
