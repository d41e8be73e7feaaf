export { checkOutcomeCodes } from './check-codes.ts';
export {
  DEFAULT_OUTCOMES,
  type DefaultOutcomes,
  GRPC_OUTCOMES,
  HTTP_OUTCOMES,
  PG_OUTCOMES,
  REDIS_OUTCOMES,
} from './default-outcomes.ts';
export { type JudgeOutcomesOptions, judgeOutcomes, type OutcomeJudge } from './judge-outcomes.ts';
export type { OutcomeCodes } from './outcome-codes.ts';
