// Texts and pages of a hostile device.
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
