import type { Manifest } from './manifest.ts';

/** The page that a registry shows of a package. */
export function readmeOf(
  { name, description, exports = {}, bin = {}, license }: Manifest,
  all: readonly Manifest[],
): string {
  const imports = Object.keys(exports).map((path) => `- \`${name}${path.slice(1)}\``);
  const commands = Object.keys(bin).map((command) => `- \`npx ${command} --help\``);
  const siblings = all.filter((one) => one.name !== name).map((one) => `| \`${one.name}\` | ${one.description} |`);
  return [
    `# ${name}`,
    `${description}.`,
    `\`\`\`sh\nnpm install ${name}\n\`\`\``,
    ...(imports.length > 0 ? ['What can be imported, by `import` or `require`:', imports.join('\n')] : []),
    ...(commands.length > 0 ? ['Commands:', commands.join('\n')] : []),
    'It is a part of Switchgear, OpenTelemetry-first circuit breaking for fleets of Node.js services. The others:',
    ['| package | what it is |', '| --- | --- |', ...siblings].join('\n'),
    `${license} licensed.`,
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}
