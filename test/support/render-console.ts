import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { findTool } from './tools.ts';

/**
 * Draws docs/images/console.png: runs the demo on free ports, waits until a breaker is open, and takes a picture of the
 * console. Usage: npm run render
 */
const TARGET = new URL('../../docs/images/console.png', import.meta.url).pathname;
const WAIT_MS = 40_000;

const executablePath = findTool('chromium');
if (!executablePath) {
  console.error('chromium is not installed: apt-get install chromium');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'switchgear-render-'));
const report = join(folder, 'demo.json');
const arguments_ = ['src/demo/main.ts', '--for', '45', '--port', '0', '--metrics-ports', '0,0,0', '--json', report];
const demo = spawn(process.execPath, arguments_, { stdio: 'ignore' });
try {
  const { url, token } = await controlPlane();
  await holdOneBreaker(url, token);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 1.5 });
  await page.goto(`${url}/#token=${token}`);
  await page.waitForSelector('tr[data-state="open"]', { timeout: WAIT_MS });
  await delay(1_200);
  await page.screenshot({ path: TARGET });
  await browser.close();
  console.log(`drew ${TARGET}`);
} finally {
  demo.kill('SIGINT');
  await once(demo, 'exit');
  rmSync(folder, { recursive: true, force: true });
}

async function controlPlane(): Promise<{ url: string; token: string }> {
  for (let waited = 0; waited < WAIT_MS; waited += 200) {
    try {
      const { urls, tokens } = JSON.parse(readFileSync(report, 'utf8'));
      return { url: urls.controlPlane, token: tokens.operator };
    } catch {
      await delay(200);
    }
  }
  throw new Error('the demo did not start');
}

/** So that the picture shows an override, its delivery and its entry in the audit. */
async function holdOneBreaker(url: string, token: string): Promise<void> {
  const override = {
    mode: 'shadow',
    reason: 'trying a lower threshold',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  };
  const response = await fetch(`${url}/api/v1/breakers/inventory/warehouse/override`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'switchgear-actor': 'jo' },
    body: JSON.stringify(override),
  });
  if (!response.ok) throw new Error(`the override was answered with ${response.status}: ${await response.text()}`);
}
