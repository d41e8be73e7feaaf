import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pack } from './pack.ts';
import { stage } from './stage.ts';

const HELP = `Usage: npm run stage [-- --out FOLDER]

Writes the packages as they are published: JavaScript with declarations, and a tarball of each, for npm publish.
  --out FOLDER  gets @switchgear/<package> and switchgear-<package>-<version>.tgz; default dist
  --help        prints this`;

const { values } = parseArgs({
  options: { out: { type: 'string', default: join(import.meta.dirname, '../../dist') }, help: { type: 'boolean' } },
});
if (values.help) console.log(HELP);
else {
  const out = resolve(values.out);
  for (const tarball of await pack(await stage(out), out)) console.log(relative('.', tarball));
}
