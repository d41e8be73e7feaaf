export { guardPool } from './guard-pool.ts';
export { installPgGuard, type PgModule } from './install-pg-guard.ts';
export type { SqlCall } from './sql-call.ts';
