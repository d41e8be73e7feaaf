import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EVENTS, METRICS, SPANS } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alerts, artifacts, DEFAULT_CONFIG } from '../../src/mixin/index.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const generate = join(root, 'src/mixin/generate.ts');

describe('generated files', () => {
  test.each(artifacts().map(({ path, text }) => ({ path, text })))('$path is the committed one', ({ path, text }) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });

  test('every alert has a runbook entry under the anchor it points at', () => {
    const runbook = artifacts().find(({ path }) => path === 'dashboards/RUNBOOK.md')!.text;
    for (const { alert, annotations } of alerts(DEFAULT_CONFIG).flatMap(({ rules }) => rules)) {
      expect(annotations.runbook_url).toBe(`${DEFAULT_CONFIG.runbookUrl}#${alert.toLowerCase()}`);
      const entry = runbook.split(`\n## ${alert}\n`)[1]?.split('\n## ')[0] ?? '';
      for (const part of ['Meaning', 'Impact', 'Diagnosis', 'Action', 'When to silence']) {
        expect(entry, `${alert}: ${part}`).toContain(`**${part}.**`);
      }
      expect(entry).toContain('```promql');
    }
  });

  test('the telemetry reference has every metric, span and event', () => {
    const reference = artifacts().find(({ path }) => path === 'docs/telemetry.md')!.text;
    for (const { name, prometheus } of Object.values(METRICS)) {
      expect(reference).toContain(`| \`${name}\` |`);
      expect(reference).toContain(`| \`${prometheus}\` |`);
    }
    for (const name of Object.values(SPANS)) expect(reference).toContain(`| \`${name}\` |`);
    for (const { name } of Object.values(EVENTS)) expect(reference).toContain(`| \`${name}\` |`);
  });
});

describe('the generate command', () => {
  let out: string;
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'switchgear-mixin-'));
  });
  afterEach(() => rmSync(out, { recursive: true }));

  test('--check passes on what it wrote, and fails by name on what was edited since', async () => {
    await run(process.execPath, [generate, '--out', out]);
    await run(process.execPath, [generate, '--check', '--out', out]);
    appendFileSync(join(out, 'dashboards/alerts.yaml'), '# by hand\n');
    await expect(run(process.execPath, [generate, '--check', '--out', out])).rejects.toMatchObject({
      code: 1,
      stderr: 'dashboards/alerts.yaml differs: run npm run generate\n',
    });
  });

  test('addresses and matchers of one’s own reach the alerts', async () => {
    const own = ['--grafana-url', 'https://grafana.example/', '--matchers', 'environment="production"'];
    await run(process.execPath, [generate, '--out', out, ...own]);
    const text = readFileSync(join(out, 'dashboards/alerts.yaml'), 'utf8');
    expect(text).toContain('https://grafana.example/d/switchgear-fleet');
    expect(text).toContain('breaker_status{environment="production", breaker_state=~"open|half_open"}');
  });

  test('names of one’s own for shared wires reach the dashboard and the rules', async () => {
    await run(process.execPath, [generate, '--out', out, '--shared-wires', 'outbox|ledger']);
    for (const file of ['neutral-wires.json', 'rules.yaml', 'RUNBOOK.md']) {
      const text = readFileSync(join(out, 'dashboards', file), 'utf8').replaceAll('\\"', '"');
      expect(text).toContain('breaker_neutral_wire_name=~"outbox|ledger"');
      expect(text).not.toContain('shared.*');
    }
  });

  test('an unknown option is refused with the usage', async () => {
    await expect(run(process.execPath, [generate, '--chek'])).rejects.toMatchObject({ code: 2 });
  });
});
