import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { LocalRegistry } from '../support/local-registry.ts';
import { freePorts, ROOT } from '../support/processes.ts';
import { describeWithTool } from '../support/tools.ts';
import { Reader } from '../support/walkthrough/reader.ts';
import { stepsOf } from '../support/walkthrough/steps.ts';

const PAGE = 'docs/ten-minutes.md';
const PORTS = ['3000', '4001', '4390', '9464'];
const LOOKS = /^(?:metrics|npx switchgear (?:ls|show)) /;

/**
 * As the page has it, in an empty folder, with the packages as they would be published. What is not as on the page: its ports are
 * free ones, in files, commands and output alike; and where it looks at something that takes its time, it looks again.
 */
describeWithTool('ten minutes to breakers', { name: 'curl', debianPackage: 'curl' }, () => {
  test('every command of the page prints what the page shows', { timeout: 240_000 }, async () => {
    const ports = new Map((await freePorts(PORTS.length)).map((port, index) => [PORTS[index]!, String(port)]));
    const page = readFileSync(join(ROOT, PAGE), 'utf8');
    const steps = stepsOf(page.replaceAll(/\b\d{4}\b/g, (number) => ports.get(number) ?? number));
    const registry = await LocalRegistry.start();
    onTestFinished(() => registry.stop());
    const folder = temporaryFolder('ten-minutes');
    onTestFinished(() => folder.remove());
    const reader = new Reader({
      folder: folder.path,
      looks: LOOKS,
      env: {
        ...withoutOwnVariables(),
        ...registry.environment,
        OTEL_EXPORTER_PROMETHEUS_PORT: ports.get('9464'),
        SWITCHGEAR_PORT: ports.get('4390'),
      },
    });
    onTestFinished(() => reader.close());
    for (const step of steps) {
      await reader.follow(step).catch((error: Error) => expect.fail(`${PAGE}:${step.line} ${error.message}`));
    }
    expect(steps.filter(({ kind }) => kind === 'command').length).toBeGreaterThan(30);
  });
});

/** The reader's shell knows nothing of this repository. */
function withoutOwnVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:OTEL_|SWITCHGEAR_|npm_|VITEST|NODE_ENV|TEST$)/.test(name)),
  );
}
