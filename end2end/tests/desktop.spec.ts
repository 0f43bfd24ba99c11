// A device's desktop in the page.
import { readFile } from 'node:fs/promises';

import AxeBuilder from '@axe-core/playwright';

import { HOSTILE, RINGS, listen } from '../stage/hostile-vnc.ts';
import { OwnDevice } from '../stage/own-device.ts';
import { Desktop } from '../stage/pages/desktop.ts';
import { Screen } from '../stage/screen.ts';
import { expect, test as base } from '../stage/test.ts';

const PUMP = 0;
/** Its desktop asks for no password. */
const PRESS = 2;

const test = base.extend<{ desktop: Desktop }>({
  desktop: async ({ page, demo, devices }, use) => {
    await devices.isShown();
    await use(new Desktop(page, demo));
  },
});

test('a desktop opens from the device list', async ({ demo, devices, desktop, page }) => {
  const press = demo.device(PRESS);
  await devices.openDevice(press);
  await page.locator('a[href$="/services/desktop"]').click();
  await desktop.isShown();
  await expect(page).toHaveTitle(new RegExp(press.name));
});

test('a wrong password is refused beside the field of the desktop', async ({ demo, desktop, page }) => {
  await desktop.open(demo.device(PUMP));
  await desktop.submit('wrong');
  await expect(page.getByText('The desktop refused this password.')).toBeVisible();
  await expect(desktop.password).toBeFocused();
  await desktop.submit(demo.device(PUMP).desktop.password);
  await desktop.isShown();
});

test('the desktop takes the size of the window', async ({ demo, devices, desktop, page }, info) => {
  const screen = await Screen.start();
  const services = [{ name: 'screen', kind: 'vnc' as const, port: screen.port }];
  const device = await OwnDevice.enrol(devices, demo, `Resized ${info.project.name}`, services);
  try {
    await desktop.open(device, 'screen');
    await desktop.isShown();
    await desktop.choose('window\'s size');
    const room = (await page.locator('.desk').boundingBox())!;
    await expect
      .poll(async () => (await screen.pixels()).width, { timeout: 20_000 })
      .toBe(Math.floor(room.width));
    const shown = (await desktop.picture.boundingBox())!;
    expect(Math.round(shown.height)).toBe((await screen.pixels()).height);
  } finally {
    await device.end();
    await screen.end();
  }
});

test('x11vnc shows a desktop that keeps its size', async ({ demo, devices, desktop, page }, info) => {
  const screen = await Screen.start({ server: 'x11vnc' });
  const services = [{ name: 'screen', kind: 'vnc' as const, port: screen.port }];
  const device = await OwnDevice.enrol(devices, demo, `x11vnc ${info.project.name}`, services);
  try {
    const heard = await screen.listen();
    await desktop.open(device, 'screen');
    await desktop.isShown();
    await desktop.focus();
    await page.keyboard.type('through x11vnc');
    await expect.poll(() => heard.text(), { timeout: 20_000 }).toBe('through x11vnc');
    await desktop.choose('window\'s size');
    await expect(page.getByText('keeps the size that it has')).toBeVisible();
  } finally {
    await device.end();
    await screen.end();
  }
});

test('a screenshot is saved', async ({ demo, desktop, page }) => {
  await desktop.open(demo.device(PRESS));
  await desktop.isShown();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    desktop.choose('Save a screenshot'),
  ]);
  expect(download.suggestedFilename()).toContain(demo.device(PRESS).name);
  const png = await readFile((await download.path())!);
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1280, 720]);
});

test('actual size, quality and the whole screen', async ({ demo, desktop, page }) => {
  await desktop.open(demo.device(PRESS));
  await desktop.isShown();
  await desktop.choose('Actual size');
  await expect.poll(async () => (await desktop.picture.boundingBox())!.width).toBe(1280);
  await desktop.choose('Fit the window');
  const room = (await page.locator('.desk').boundingBox())!;
  await expect
    .poll(async () => (await desktop.picture.boundingBox())!.width)
    .toBeLessThanOrEqual(room.width);
  await desktop.choose('Low quality');
  await page.reload();
  await desktop.isShown();
  await desktop.showBar();
  await page.getByRole('button', { name: 'More actions' }).click();
  const low = page.getByRole('menuitemradio', { name: 'Low quality' });
  await expect(low).toHaveAttribute('aria-checked', 'true');
  await page.keyboard.press('Escape');
  await desktop.showBar();
  await page.getByRole('button', { name: 'Full screen' }).click();
  await expect.poll(() => page.evaluate(() => document.fullscreenElement?.className)).toContain('viewer');
});

test('disconnecting, and connecting again', async ({ demo, desktop, page }) => {
  await desktop.open(demo.device(PRESS));
  await desktop.isShown();
  await desktop.choose('Disconnect');
  await expect(desktop.panel('You closed the desktop')).toBeVisible();
  await page.getByRole('button', { name: 'Connect again' }).click();
  await desktop.isShown();
});

test.describe('when the right ends', () => {
  test.use({ expectedErrors: /401|WebSocket|ERR_/ });

  test('s34 signing out cuts the desktop within a second', async ({ demo, desktop, page }) => {
    await desktop.open(demo.device(PRESS));
    await desktop.isShown();
    await page.evaluate(() => fetch('/api/v1/sign-out', { method: 'POST' }));
    await expect(page.getByText(/has ended|Sign in to Adit|Enter your user name/).first()).toBeVisible({
      timeout: 1_000,
    });
  });
});

test.describe('when the device is lost', () => {
  test.use({ expectedErrors: /WebSocket|ERR_/ });

  test('a desktop whose device goes offline says so, and opens again', async ({ demo, desktop, page }) => {
    await desktop.open(demo.device(PRESS));
    await desktop.isShown();
    await demo.stopDevice(PRESS);
    try {
      await expect(desktop.status).toHaveText('Device reconnecting…', { timeout: 20_000 });
    } finally {
      await demo.startDevice(PRESS);
    }
    // It comes as a new process, which knows nothing of the stream.
    await expect(page.getByText(/lost its connection|went offline/).first()).toBeVisible();
    // The last picture stays behind it.
    await expect(desktop.picture).toBeVisible();
    await page.getByRole('button', { name: /again/i }).first().click({ timeout: 30_000 });
    await desktop.isShown();
  });
});

test('s43 hostile desktops end with clear words, and the page lives on', async ({
  demo,
  devices,
  desktop,
  page,
}, info) => {
  test.setTimeout(180_000);
  const stubs = await Promise.all(
    HOSTILE.map(async ({ name, serve }) => ({ name, ...(await listen(serve)) })),
  );
  const services = stubs.map(({ name, port }) => ({ name, kind: 'vnc' as const, port }));
  const device = await OwnDevice.enrol(devices, demo, `Hostile ${info.project.name}`, services);
  try {
    for (const { name, title, text } of HOSTILE) {
      await desktop.open(device, name);
      await expect(desktop.panel(title), name).toBeVisible({ timeout: 20_000 });
      await expect(page.locator('.panel'), name).toContainText(text);
      await expect(page.locator('.panel b'), name).toHaveCount(0);
    }
    await page.getByRole('link', { name: 'Back to the device' }).last().click();
    await expect(page.getByRole('heading', { level: 1, name: device.name })).toBeVisible();
  } finally {
    await device.end();
    for (const { server } of stubs) server.close();
  }
});

test('s43 a desktop that rings without end leaves the page usable', async ({
  demo,
  devices,
  desktop,
  page,
}, info) => {
  const { port, server } = await listen(RINGS);
  const services = [{ name: 'rings', kind: 'vnc' as const, port }];
  const device = await OwnDevice.enrol(devices, demo, `Rings ${info.project.name}`, services);
  try {
    await desktop.open(device, 'rings');
    await desktop.isShown();
    await desktop.choose('Disconnect');
    await expect(desktop.panel('You closed the desktop')).toBeVisible();
  } finally {
    await device.end();
    server.close();
  }
});

test.describe('when the network drops a part of the app', () => {
  test.use({ expectedErrors: /ERR_FAILED|Failed to fetch/ });

  test('a viewer whose code does not come says so, and tries again', async ({ demo, desktop, page }) => {
    await page.route('**/pkg/split_desktop-*.wasm', (route) => route.abort());
    await desktop.open(demo.device(PRESS));
    await expect(desktop.panel('This page could not be loaded')).toBeVisible();
    await page.unroute('**/pkg/split_desktop-*.wasm');
    await page.getByRole('button', { name: 'Try again' }).click();
    await desktop.isShown();
  });
});

test.describe('accessible', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(colorScheme, () => {
      test.use({ colorScheme });

      test('the desktop is accessible, and the keyboard gets out of it', async ({ demo, desktop, page }) => {
        const check = async () => {
          const results = await new AxeBuilder({ page }).analyze();
          expect(results.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
        };
        await desktop.open(demo.device(PUMP));
        await expect(desktop.password).toBeVisible();
        await check();
        await desktop.submit(demo.device(PUMP).desktop.password);
        await desktop.isShown();
        await check();
        await desktop.focus();
        await page.keyboard.press('Control+Shift+ArrowUp');
        await expect(page.getByRole('button', { name: 'Clipboard', exact: true })).toBeFocused();
        await page.keyboard.press('Enter');
        await expect(page.getByRole('dialog', { name: 'Clipboard' })).toBeVisible();
        await check();
      });
    });
  }
});
