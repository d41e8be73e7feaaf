/** The entry for `node --import @switchgear/register app.js`: everything comes from the environment. */
import { flushAtProcessEnd } from './process-end.ts';
import { startSwitchgear } from './start.ts';

flushAtProcessEnd(startSwitchgear());
