export { type AsyncMethodOf, type ClientCall, type GuardClientOptions, guardClient } from './guard-client.ts';
