export { guardAgent } from './guard-agent.ts';
export { installHttpGuard } from './install-http-guard.ts';
