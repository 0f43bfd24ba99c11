// Texts and pages of a hostile device.
import { HostileAgent } from '../stage/hostile-agent.ts';
import { ClickThrough } from '../stage/pages/click-through.ts';
import { expect, test } from '../stage/test.ts';

const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

// SECURITY S10. Markup that ran, or that the content policy stopped, is an error in the console.
test('s10 markup in names is shown as text in every view', async ({ page, demo, devices }) => {
  const device = { ...demo.device(1), name: HOSTILE.slice(0, 60) };
  const patch = (path: string, body: object) =>
    page.evaluate(
      async ({ path, body }) => {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(path, { method: 'PATCH', headers, body: JSON.stringify(body) });
        return answer.ok;
      },
      { path, body },
    );
  expect(await patch(`/api/v1/devices/${device.id}`, { name: device.name })).toBe(true);
  const title = HOSTILE.slice(0, 40);
  expect(await patch(`/api/v1/devices/${device.id}/services/web`, { title })).toBe(true);

  await expect(devices.row(device)).toContainText(title);
  await devices.openDevice(device);
  await expect(page.getByText(title).first()).toBeVisible();
  await demo.stopDevice(1);
  await devices.open();
  await devices.hasState(device, /Reconnecting|Offline/);
  await devices.openDevice(device);
  await demo.startDevice(1);
  for (const path of ['/settings', '/add-device']) {
    await page.goto(`${demo.url}${path}`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
  expect(await page.title()).not.toBe('owned');

  await page.goto(`${demo.device(1).url}`);
  await expect(page.locator('body')).toContainText(device.name);
  expect(await page.title()).not.toBe('owned');
});

test.describe('an agent that lies', () => {
  // Its page, when it has left.
  test.use({ expectedErrors: /503/ });

  // SECURITY S10. What turns the direction of the text around it is left out.
  test('s10 what an agent reports is shown as text', async ({ page, demo, devices }) => {
    const MARKUP = '<img src=x onerror="document.title=\'owned\'">';
    const OVERRIDE = '\u202e';
    const installKey = await page.evaluate(async () => {
      const headers = { 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify({ name: 'hostile' }) };
      const answer = await fetch('/api/v1/install-keys', request);
      return (await answer.json()).secret as string;
    });
    const isText = async (...texts: string[]) => {
      for (const text of texts) {
        await expect(page.getByText(text).first()).toBeVisible();
      }
      expect(await page.locator('body').innerText()).not.toContain(OVERRIDE);
      expect(await page.locator('img').count()).toBe(0);
      expect(await page.title()).not.toBe('owned');
    };
    const NAME = `${MARKUP}name`;
    const row = page.getByRole('listitem').filter({ hasText: NAME });
    const agent = HostileAgent.start(demo.url, installKey);
    try {
      await expect(row).toContainText('Online', { timeout: 30_000 });
      await isText(NAME);
      await row.getByRole('link').first().click();
      await expect(page.getByRole('heading', { level: 1 })).toContainText(NAME);
      await isText(NAME, `${MARKUP}host`, `${MARKUP}system`);
      // Versions are shorter.
      await expect(page.locator('dd', { hasText: /^<img src=x/ })).toHaveCount(3);
      await page.getByRole('button', { name: 'Delete' }).first().click();
      await isText(NAME);
    } finally {
      agent.end();
    }

    const { id, url } = await page.evaluate(async (name) => {
      const { items } = await (await fetch('/api/v1/devices')).json();
      const device = items.find((each: { name: string }) => each.name === name);
      return { id: device.id as string, url: device.services[0].url as string };
    }, NAME);
    await page.goto(url);
    await isText(NAME);
    await new ClickThrough(page).accept();
    await expect(page.getByRole('heading', { name: /reconnecting|offline/ })).toBeVisible();
    await isText(NAME);

    // Other stories count the devices.
    await devices.open();
    await page.evaluate((id) => fetch(`/api/v1/devices/${id}`, { method: 'DELETE' }), id);
    await expect(row).toBeHidden();
  });
});

test.describe('a service worker', () => {
  test.use({ expectedErrors: /403|ServiceWorker/ });

  // SECURITY S12
  test('s12 a device page cannot leave a service worker', async ({ demo, devices }) => {
    const { page } = await devices.openPanel(demo.device(0));
    const outcome = await page.evaluate(() =>
      navigator.serviceWorker.register('/panel.js').then(
        () => 'registered',
        () => 'refused',
      ),
    );
    expect(outcome).toBe('refused');
    expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
  });
});
