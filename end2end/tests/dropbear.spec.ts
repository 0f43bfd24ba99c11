// A terminal on a device whose SSH server is Dropbear, signed in to with a password.
import { Dropbear } from '../stage/dropbear.ts';
import { OwnDevice } from '../stage/own-device.ts';
import { Terminal } from '../stage/pages/terminal.ts';
import { expect, test } from '../stage/test.ts';

test('a password opens a terminal on Dropbear', async ({ demo, devices, page }) => {
  const dropbear = await Dropbear.start();
  let device: OwnDevice | undefined;
  try {
    const name = `Router ${test.info().project.name}`;
    const services = [{ name: 'shell', kind: 'ssh' as const, port: dropbear.port }];
    const keys = [`ssh_host_key_files = ["${dropbear.hostKeyFile}"]`];
    device = await OwnDevice.enrol(devices, demo, name, services, keys);
    await devices.open();
    const link = page.getByRole('link', { name: `Open shell of ${name}`, exact: true });
    await link.click({ timeout: 30_000 });
    const terminal = new Terminal(page, demo);
    await terminal.submitPassword(dropbear.user, dropbear.password);
    await terminal.isReady();
    await terminal.runs('echo $((6 * 7))-on-dropbear', '42-on-dropbear');
    await terminal.runs('exit', /$/);
    await expect(page.getByRole('heading', { name: 'The shell has ended' })).toBeVisible();
  } finally {
    await device?.end();
    await dropbear.end();
  }
});
