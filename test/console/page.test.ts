import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeInChromium } from '../support/chromium.ts';
import { type FakeControlPlane, fakeBreaker, startFakeControlPlane } from '../support/fake-control-plane.ts';

const STATIC = fileURLToPath(new URL('../../src/control-plane/console', import.meta.url));

describeInChromium('the console', (open) => {
  let browser: Browser;
  let page: Page;
  let controlPlane: FakeControlPlane;
  let complaints: string[];

  beforeAll(async () => {
    browser = await open();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    controlPlane = await startFakeControlPlane({ staticFolder: STATIC });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(8_000);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await page.close();
    await controlPlane.close();
    expect(complaints).toEqual([]);
  });

  const enter = () => page.goto(`${controlPlane.url}/#token=${controlPlane.token}`);
  const live = () => page.locator('#connection[data-status=live]').waitFor();
  const text = (selector: string) => page.locator(selector).innerText();
  const until = async (selector: string, words: string) =>
    page.locator(selector).filter({ hasText: words }).first().waitFor();

  test('takes the token of the link out of the address bar and keeps it for the tab', async () => {
    await enter();
    await live();
    expect(page.url()).toBe(`${controlPlane.url}/`);
    await page.reload();
    await live();
    expect(await page.locator('#token-dialog').isVisible()).toBe(false);
  });

  test('asks for the token, tells that a wrong one was not accepted, and asks again', async () => {
    await page.goto(controlPlane.url);
    await page.getByLabel('Bearer token').fill('wrong');
    await page.getByRole('button', { name: 'Connect' }).click();
    await until('#token-problem', 'not accepted');
    await page.getByLabel('Bearer token').fill(controlPlane.token);
    await page.keyboard.press('Enter');
    await live();
  });

  test('an empty fleet says what to do', async () => {
    await enter();
    await until('#empty', 'node --import @switchgear/register');
    expect(await text('#empty')).toContain(`SWITCHGEAR_URL=${controlPlane.url}`);
  });

  test('shows state as word, shape and row, and the load on the wires', async () => {
    controlPlane.put(
      fakeBreaker('shop', 'payments', {
        states: ['open', 'closed'],
        calls: { failure: 7, timeout: 3, diverted: 40, rejected: 2 },
        wires: [{ name: 'buffer', depth: 90, capacity: 100, oldestAgeSeconds: 42, dropped: 5 }],
      }),
    );
    controlPlane.put(fakeBreaker('mail', 'smtp'));
    await enter();
    const row = page.locator('#rows tr').first();
    await row.waitFor();
    const shown = await row.innerText();
    for (const part of [
      'Open',
      'shop',
      'payments',
      '1 open · 1 closed',
      '2 live',
      '10 failed',
      '40 diverted',
      '2 rejected',
      '90 / 100',
      'oldest 42s',
      '5 dropped',
    ])
      expect(shown).toContain(part);
    const shape = (index: number) => page.locator('#rows tr').nth(index).locator('td.state path').getAttribute('d');
    expect(await shape(0)).not.toBe(await shape(1));
    expect(await row.locator('.bar > span').getAttribute('style')).toBe('width: 90%;');
  });

  test('follows the stream: a trip moves the row up and is said aloud', async () => {
    controlPlane.put(fakeBreaker('a', 'first'));
    controlPlane.put(fakeBreaker('b', 'second'));
    await enter();
    await until('#rows tr', 'second');
    controlPlane.put(fakeBreaker('b', 'second', { states: ['open'] }));
    await until('#announcer', 'second of b is open');
    expect(await text('#rows tr:first-child')).toContain('second');
    await expect.poll(() => page.title()).toBe('(1 open) Switchgear');
    controlPlane.remove('a', 'first');
    await expect.poll(() => page.locator('#rows tr').count()).toBe(1);
  });

  test('a lost stream is told at once, with the age of what is shown, and found again', async () => {
    controlPlane.put(fakeBreaker('shop', 'payments'));
    await enter();
    await live();
    controlPlane.refuse('GET /api/v1/stream', { status: 503, detail: 'Stopping.' });
    controlPlane.dropStreams();
    await until('#connection', 'reconnecting since');
    expect(await text('#notice')).toContain('What you see is as it was at');
    await until('#notice', 'The control plane failed (503). Stopping.');
    controlPlane.put(fakeBreaker('shop', 'payments', { states: ['open'] }));
    controlPlane.refuse('GET /api/v1/stream', null);
    await live();
    await until('#rows tr', 'Open');
    expect(await page.locator('#notice').isVisible()).toBe(false);
  });

  test('a hold needs a reason, names what will happen, and is done when all instances applied it', async () => {
    controlPlane.delivery = 'hold';
    controlPlane.put(fakeBreaker('shop/eu', 'pay ments', { states: ['closed', 'closed', 'closed'] }));
    await enter();
    await page.getByRole('button', { name: 'Hold pay ments of shop/eu' }).click();
    expect(await text('#action-effect')).toContain('On 3 live instances');
    await page.locator('#action-submit').click();
    expect(controlPlane.requests.some(({ method }) => method === 'PUT')).toBe(false);
    await page.getByLabel('Reason').fill('INC-42');
    await page.getByLabel('For', { exact: true }).selectOption('60');
    await page.locator('#action-submit').click();
    await until('#action-progress', 'Applied on 0 of 3');
    const sent = controlPlane.requests.find(({ method }) => method === 'PUT');
    expect(sent?.path).toBe('/api/v1/breakers/shop%2Feu/pay%20ments/override');
    expect(sent?.body).toMatchObject({ mode: 'forced_open', reason: 'INC-42' });
    const body = sent?.body as { expiresAt: string } | undefined;
    expect(Math.abs(Date.parse(body?.expiresAt ?? '') - Date.now() - 3_600_000)).toBeLessThan(30_000);
    controlPlane.deliver('shop/eu', 'pay ments', 2);
    await until('#action-progress[data-kind=waiting]', 'Applied on 2 of 3');
    controlPlane.deliver('shop/eu', 'pay ments', 1);
    await until('#action-progress[data-kind=done]', 'Applied on 3 of 3');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Release pay ments of shop/eu' }).click();
    await page.getByLabel('Reason').fill('over');
    await page.locator('#action-submit').click();
    await until('#audit', 'release');
    expect(controlPlane.get('shop/eu', 'pay ments')?.override).toBeNull();
  });

  test('an instance that failed to apply is told with its reason', async () => {
    controlPlane.delivery = 'fail';
    controlPlane.put(fakeBreaker('shop', 'payments'));
    await enter();
    await page.getByRole('button', { name: 'Trip payments of shop' }).click();
    await page.getByLabel('Reason').fill('drill');
    await page.locator('#action-submit').click();
    await until('#action-progress[data-kind=failed]', 'shop-1: window is too short');
  });

  test('a refused action shows what the server said and lets the operator try again', async () => {
    controlPlane.put(fakeBreaker('shop', 'payments'));
    await enter();
    await page.getByRole('button', { name: 'Reset payments of shop' }).click();
    await page.getByLabel('Reason').fill('again');
    const cases = [
      { status: 403, detail: 'The viewer role may only read.', shown: 'needs an operator token' },
      { status: 429, detail: 'Slow down.', shown: 'Too many requests' },
      {
        status: 500,
        detail: 'Its log has the cause.',
        shown: 'The control plane failed (500). Its log has the cause.',
      },
      {
        status: 400,
        detail: 'Bad.',
        errors: [{ field: 'reason', detail: '`reason` must be shorter' }],
        shown: '`reason` must be shorter',
      },
    ];
    for (const { shown, ...refusal } of cases) {
      controlPlane.refuse('POST /api', refusal);
      await page.locator('#action-submit').click();
      await until('#action-problem', shown);
    }
    controlPlane.refuse('POST /api', null);
    await page.locator('#action-submit').click();
    await until('#action-progress[data-kind=done]', 'Applied on 1 of 1');
  });

  test('names, reasons and events from the network stay text', async () => {
    const evil = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';
    controlPlane.put(
      fakeBreaker(evil, evil, {
        wires: [{ name: evil }],
        states: ['forced_open'],
        override: {
          mode: 'forced_open',
          reason: evil,
          actor: evil,
          expiresAt: new Date(Date.now() + 60_000).toISOString(),
        },
      }),
    );
    const at = new Date().toISOString();
    controlPlane.event({
      id: 1,
      at,
      service: evil,
      instance: evil,
      breaker: evil,
      event: evil,
      severity: evil,
      attributes: { [evil]: evil },
    });
    controlPlane.audit({
      id: 1,
      at,
      actor: evil,
      action: evil,
      service: evil,
      breaker: evil,
      reason: evil,
      revision: 1,
    });
    await enter();
    await until('#events', evil);
    await until('#audit', evil);
    expect(await page.locator('#rows th').innerText()).toContain(evil);
    await page.locator('#rows .actions button:visible').first().click();
    await until('#action-title', evil);
    expect(await page.locator('main img, main script, dialog img, dialog script').count()).toBe(0);
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });

  test('the list is filtered by text and by state, by keyboard alone', async () => {
    controlPlane.put(fakeBreaker('shop', 'payments', { states: ['open'] }));
    controlPlane.put(fakeBreaker('shop', 'inventory'));
    controlPlane.put(fakeBreaker('mail', 'smtp'));
    await enter();
    await live();
    await page.locator('#filter').focus();
    await page.keyboard.type('shop');
    await expect.poll(() => page.locator('#rows tr').count()).toBe(2);
    await page.locator('#state-all').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('#rows tr').count()).toBe(1);
    expect(await text('#rows')).toContain('payments');
    await page.locator('#rows .actions button:visible').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('#action-dialog').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('reason');
    await page.keyboard.press('Escape');
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('Trip payments of shop');
  });

  test('the instances of a breaker open under its row by keyboard, follow its changes and close again', async () => {
    const breaker = fakeBreaker('shop/eu', 'payments', { states: ['open', 'closed'] });
    const evil = '<img src=x onerror="window.hit=1">';
    const put = (state: 'open' | 'closed', error: string) =>
      controlPlane.put({
        ...breaker,
        delivery: { revision: 7, applied: 0, failed: 1, pending: 1 },
        byInstance: breaker.byInstance.map((instance, index) =>
          index === 0
            ? { ...instance, state, failureRatio: 0.256 }
            : { ...instance, applied: { revision: 7, status: 'failed', error }, failureRatio: null },
        ),
      });
    controlPlane.put(fakeBreaker('mail', 'smtp'));
    put('open', evil);
    await enter();
    await live();
    const toggle = page.getByRole('button', { name: 'payments', exact: true });
    await toggle.focus();
    await page.keyboard.press('Enter');
    const table = page.getByRole('table', { name: 'Instances of payments of shop/eu' });
    await table.waitFor();
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    expect(await page.locator(`#${await toggle.getAttribute('aria-controls')}`).count()).toBe(1);
    const lines = async () =>
      (await table.locator('tbody tr').allInnerTexts()).map((line) => line.replace(/\s+/g, ' '));
    // The one that failed to apply comes first.
    await expect
      .poll(lines)
      .toEqual([
        expect.stringMatching(
          /^shop\/eu-2 1\.4\.0 · production live seen \d+s ago Closed \d+s – revision 7 failed <img/,
        ),
        expect.stringMatching(/^shop\/eu-1 .* live .* Open \d+s 25\.6 % revision 7 pending$/),
      ]);
    expect(await page.locator('main img').count()).toBe(0);

    const reads = () =>
      controlPlane.requests.filter(({ path }) => path === '/api/v1/breakers/shop%2Feu/payments').length;
    const before = reads();
    for (let change = 0; change < 20; change += 1) put('closed', `window is too short ${change}`);
    await until('.by-instance', 'window is too short 19');
    await until('.by-instance tbody tr:nth-child(2)', 'Closed');
    expect(reads() - before).toBeLessThanOrEqual(2);
    expect(await page.evaluate("document.activeElement.getAttribute('aria-expanded')")).toBe('true');

    await page.keyboard.press('Space');
    expect(await table.count()).toBe(0);
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
    expect(await page.locator('#rows tr').count()).toBe(2);
  });

  test('the detail stays under its row when the list is sorted anew, and goes with it', async () => {
    controlPlane.put(fakeBreaker('a', 'first'));
    controlPlane.put(fakeBreaker('b', 'second'));
    await enter();
    await page.getByRole('button', { name: 'second', exact: true }).click();
    await page.getByRole('table', { name: 'Instances of second of b' }).waitFor();
    controlPlane.put(fakeBreaker('b', 'second', { states: ['open'] }));
    await until('#rows > tr:first-child', 'second');
    expect(await text('#rows > tr:nth-child(2)')).toContain('b-1');
    expect(await text('#rows > tr:nth-child(3)')).toContain('first');
    controlPlane.remove('b', 'second');
    await expect.poll(() => page.locator('#rows tr').count()).toBe(1);
  });

  test('instances that cannot be read say why', async () => {
    controlPlane.put(fakeBreaker('shop', 'payments'));
    controlPlane.refuse('GET /api/v1/breakers/shop/payments', { status: 503, detail: 'Stopping.' });
    await enter();
    await page.getByRole('button', { name: 'payments', exact: true }).click();
    await until('.detail [role=status]', 'The control plane failed (503). Stopping.');
  });

  test('failures of single calls are shown only when asked for, and push no trip out', async () => {
    const start = Date.now() - 60_000;
    const event = (id: number, name: string) => ({
      id,
      at: new Date(start + id * 100).toISOString(),
      service: 'shop',
      instance: 'shop-1',
      breaker: 'payments',
      event: `breaker.${name}`,
      severity: 'WARN',
      attributes: {},
    });
    controlPlane.event(event(1, 'trip'));
    for (let id = 2; id <= 300; id += 1) controlPlane.event(event(id, 'call.exception'));
    await enter();
    await until('#events', 'trip');
    const count = () => page.locator('#events li').count();
    expect(await count()).toBe(1);
    await live();
    for (let id = 301; id <= 450; id += 1) controlPlane.event(event(id, 'call.rejected'));
    controlPlane.event(event(451, 'reset'));
    await until('#events', 'reset');
    expect(await count()).toBe(2);
    await page.getByLabel('Show failures').focus();
    await page.keyboard.press('Space');
    await until('#events', 'call rejected');
    expect(await count()).toBe(100);
    expect(await text('#events li:first-child')).toContain('reset');
    await page.getByLabel('Show failures').uncheck();
    expect(await count()).toBe(2);
    expect(await text('#events')).toContain('trip');
  });

  for (const width of [1280, 400]) {
    test(`at ${width} pixels nothing is cut off or needs scrolling sideways`, async () => {
      await page.setViewportSize({ width, height: 900 });
      controlPlane.put(
        fakeBreaker('a-service-with-a-long-name', 'and-a-breaker-with-an-even-longer-name'.repeat(3), {
          states: ['forced_open'],
        }),
      );
      await enter();
      await page.locator('#rows tr').waitFor();
      await page.locator('.toggle').click();
      await page.locator('.by-instance tbody tr').waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      const spilt = await page.evaluate(
        "[...document.querySelectorAll('#rows td, #rows th')].filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.className)",
      );
      expect(spilt).toEqual([]);
    });
  }
});
