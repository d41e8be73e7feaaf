import { type Browser, chromium } from 'playwright-core';
import { describeWithTool } from './tools.ts';

/**
 * A suite in the system's Chromium. Where it is missing the suite skips by name, and with `CI=true` it fails. `open` starts
 * a headless browser, which the suite closes.
 */
export function describeInChromium(title: string, suite: (open: () => Promise<Browser>) => void): void {
  describeWithTool(title, { name: 'chromium', debianPackage: 'chromium' }, (executablePath) => {
    // Chromium has no sandbox for root, and tests run as root in containers.
    suite(() => chromium.launch({ executablePath, args: ['--no-sandbox'] }));
  });
}
