import type { Command } from './ioredis-types.ts';

/**
 * Commands that are about the connection and not about data: the client's own work to connect, subscriptions, and transactions that are
 * written by hand, which must not be turned away half-way.
 */
const OF_THE_CONNECTION = new Set(
  (
    'auth hello select client quit reset ping echo info role command readonly readwrite asking cluster sentinel monitor ' +
    'subscribe unsubscribe psubscribe punsubscribe ssubscribe sunsubscribe multi exec discard watch unwatch shutdown'
  ).split(' '),
);

/** They wait for others, for as long as their caller likes: no time that they take says anything of the server. */
const BLOCKING = new Set(
  'blpop brpop brpoplpush blmove blmovem bzpopmin bzpopmax bzmpop blmpop wait waitaof'.split(' '),
);
const BLOCKING_BY_OPTION = new Set(['xread', 'xreadgroup']);

/** Whether a command goes past the breaker. */
export function goesPast({ args }: Command, name: string): boolean {
  return OF_THE_CONNECTION.has(name) || BLOCKING.has(name) || (BLOCKING_BY_OPTION.has(name) && args.some(isBlock));
}

function isBlock(argument: unknown): boolean {
  return typeof argument === 'string' && argument.length === 5 && argument.toLowerCase() === 'block';
}
