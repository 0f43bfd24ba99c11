// The list of devices is live.
import { expect, test } from '../stage/test.ts';

test('a device goes offline and online in the list without reload', async ({ demo, devices }) => {
  const gate = demo.device(1);
  await devices.hasState(gate, 'Online');
  await demo.stopDevice(1);
  try {
    await devices.hasState(gate, /Reconnecting|Offline/);
  } finally {
    await demo.startDevice(1);
  }
  await devices.hasState(gate, 'Online');
});

test('search narrows the list', async ({ demo, devices }) => {
  await devices.search('gate');
  await expect(devices.row(demo.device(0))).toBeHidden();
  await expect(devices.row(demo.device(1))).toBeVisible();
  await devices.search('');
  await expect(devices.row(demo.device(0))).toBeVisible();
});

test('a device has a page of its own', async ({ demo, devices, page }) => {
  await devices.openDevice(demo.device(0));
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: demo.device(0).name })).toBeVisible();
});

test.describe('while the server is away', () => {
  test.use({ expectedErrors: [/ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /5\d\d/] });

  test('the list comes back by itself after a server restart', async ({ demo, devices }) => {
    await demo.killServer();
    await demo.startServer();
    await devices.hasState(demo.device(0), 'Online');
    await devices.hasState(demo.device(2), 'Online');
  });
});
