export { type AsyncMethodOf, type GuardClientOptions, guardClient } from './guard-client.ts';
