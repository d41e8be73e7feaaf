import { writeSync } from 'node:fs';
import { createBreaker } from '@switchgear/breaker';
import { answer } from './peers.ts';

/** The program of a process that makes as many breakers as its argument says, calls each once, and has no more to do. */
const count = Number(process.argv[2]);
for (let index = 0; index < count; index++) await createBreaker(`breaker-${index}`).execute(answer);
writeSync(1, 'done\n');
