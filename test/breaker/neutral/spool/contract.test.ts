import { join } from 'node:path';
import { memorySpool } from '../../../../src/breaker/neutral/spool/memory-spool.ts';
import { sqliteSpool } from '../../../../src/breaker/neutral/spool/sqlite-spool.ts';
import { spoolContract } from '../../../contract/spool-contract.ts';
import { temporaryFolder } from '../../../support/folders.ts';

spoolContract('SQLite', () => {
  const folder = temporaryFolder('spool');
  return {
    make: () => sqliteSpool(join(folder.path, 'calls.db'), { maxDeadLetters: 3 }),
    remove: () => folder.remove(),
  };
});

spoolContract('memory', () => ({ make: () => memorySpool({ maxDeadLetters: 3 }), remove: () => {} }));
