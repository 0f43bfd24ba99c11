// A device's own web page, through the tunnel.
import { randomBytes } from 'node:crypto';

import { sha256, sha256OfFile } from '../stage/digest.ts';
import { ClickThrough } from '../stage/pages/click-through.ts';
import { Panel } from '../stage/pages/panel.ts';
import { expect, test } from '../stage/test.ts';

test('opens a device page by host name and its gauge moves', async ({ demo, devices }) => {
  const panel = await devices.openPanel(demo.device(0));
  expect(new URL(panel.page.url()).host).toBe(new URL(demo.device(0).url).host);
  await panel.gaugeMoves();
  await expect(panel.clock).toHaveText(/^[1-9]\d* s$/);
});

test('the page of a device tells what it used', async ({ page, demo, devices }) => {
  const panel = await devices.openPanel(demo.device(0));
  await panel.gaugeMoves();
  await panel.page.close();
  await expect(async () => {
    await page.goto(`${demo.url}/devices/${demo.device(0).id}`);
    const data = page.getByRole('region', { name: 'Data' });
    await expect(data.getByText(/^\d.* to the device, .* from it\./)).toBeVisible();
    const bars = data.getByRole('img', { name: /^Data of the last 30 days: used on 1 of them/ });
    await expect(bars).toBeVisible();
  }).toPass();
});

test('downloads 100 MB with equal sha256', async ({ demo, devices }) => {
  const panel = await devices.openPanel(demo.device(0));
  const expected = await panel.historyDigest.textContent();
  const started = panel.page.waitForEvent('download');
  await panel.history.click();
  expect(await sha256OfFile(await (await started).path())).toBe(expected);
});

test('uploads a file', async ({ demo, devices }) => {
  const panel = await devices.openPanel(demo.device(1));
  const bytes = randomBytes(8 * 1024 * 1024);
  await panel.upload('firmware.bin', bytes);
  await expect(panel.uploadResult).toHaveText(
    `firmware.bin: ${bytes.length} bytes, SHA-256 ${sha256(bytes)}`,
    { timeout: 30_000 },
  );
});

test('a form comes back with what was sent', async ({ demo, devices }) => {
  const panel = await devices.openPanel(demo.device(2));
  await panel.apply('52', 'Äpfel & <b>Öl</b> "neu"');
  await expect(panel.setPoint).toHaveText('52');
  await expect(panel.note).toHaveText('Äpfel & <b>Öl</b> "neu"');
});

test('asked for without sign-in it leads through sign-in to the page', async ({
  page,
  demo,
  signIn,
}) => {
  await page.goto(demo.device(0).url);
  await signIn.isShown();
  expect(new URL(page.url()).host).toBe(new URL(demo.url).host);
  await signIn.submit(demo.username, demo.password);
  await new ClickThrough(page).accept();
  await new Panel(page).isShown(demo.device(0).name);
});

test('a second device cannot read the cookies of the first', async ({ demo, devices }) => {
  const first = await devices.openPanel(demo.device(0));
  await first.page.goto(new URL('/cookies', demo.device(0).url).href);
  await expect(first.page.locator('body')).toContainText('panel-pump=1');
  // Neither the manager's nor the hand-off's cookies reach a device.
  await expect(first.page.locator('body')).not.toContainText('adit');

  await devices.open();
  const second = await devices.openPanel(demo.device(1));
  await second.page.goto(new URL('/cookies', demo.device(1).url).href);
  await expect(second.page.locator('body')).toContainText('panel-gate=1');
  await expect(second.page.locator('body')).not.toContainText('panel-pump');
  expect(await second.page.evaluate(() => document.cookie)).not.toContain('pump');
});

test('the agent killed and started again is back by itself', async ({ demo, devices }) => {
  const press = demo.device(2);
  await demo.stopDevice(2);
  await devices.hasState(press, /Reconnecting|Offline/);
  await demo.startDevice(2);
  await devices.hasState(press, 'Online');
  await (await devices.openPanel(press)).gaugeMoves();
});
