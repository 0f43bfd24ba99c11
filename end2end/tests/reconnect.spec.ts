// Streams that live through what happens to the lines under them: the browser's and the device's.
import { setTimeout as lasts } from 'node:timers/promises';

import type { Page } from '@playwright/test';

import type { Demo } from '../stage/demo.ts';
import { Dropbear } from '../stage/dropbear.ts';
import { Line } from '../stage/line.ts';
import { OwnDevice, type OwnService } from '../stage/own-device.ts';
import { Desktop } from '../stage/pages/desktop.ts';
import { Terminal } from '../stage/pages/terminal.ts';
import { Screen } from '../stage/screen.ts';
import { expect, test as base } from '../stage/test.ts';

/** How long a line is down that is said to be. */
const DOWN_MS = 3_000;
const DARK_MS = 30_000;
const LINES = 2_000;

const test = base.extend<{
  /** The browser's. */
  line: Line;
  /** The device's. */
  uplink: Line;
  shell: Dropbear;
  remote: Screen;
  device: OwnDevice;
}>({
  line: async ({}, use) => {
    const line = await Line.start();
    await use(line);
    line.end();
  },

  // "localhost" is not sent through proxies unless that is asked for.
  proxy: async ({ line }, use) => use({ server: line.url, bypass: '<-loopback>' }),

  uplink: async ({}, use) => {
    const uplink = await Line.start();
    await use(uplink);
    uplink.end();
  },

  shell: async ({}, use) => {
    const shell = await Dropbear.start();
    await use(shell);
    await shell.end();
  },

  remote: async ({}, use) => {
    const screen = await Screen.start();
    await use(screen);
    await screen.end();
  },

  device: async ({ uplink, shell, remote, devices, demo }, use, info) => {
    const services: OwnService[] = [
      { name: 'shell', kind: 'ssh', port: shell.port },
      { name: 'screen', kind: 'vnc', port: remote.port },
    ];
    const settings = [`proxy = "${uplink.url}"`, `ssh_host_key_files = ["${shell.hostKeyFile}"]`];
    const name = `Unsteady ${info.testId}`;
    const device = await OwnDevice.enrol(devices, demo, name, services, settings);
    await use(device);
    await device.end();
  },
});

// A browser that has lost its line says so.
test.use({ expectedErrors: /net::ERR_|WebSocket connection to|EventSource/ });

test('a terminal goes on when a line is lost', { tag: '@desktop' }, async ({ line, uplink, shell, device, demo, page }) => {
  const terminal = await openShell(page, demo, device, shell);
  expect(line.carried, 'it comes by the line').toBeGreaterThan(0);
  await terminal.runs('echo pid-$$-begins', /pid-\d+-begins/);
  const shellId = /pid-(\d+)-begins/.exec(await terminal.text())![1];

  // Output that comes while both lines are cut, each twice. A byte too many or too few would end
  // SSH, which numbers and signs what it carries.
  const slowly = `for n in $(seq ${LINES}); do echo "line $n"; [ $((n % 10)) = 0 ] && sleep 0.02; done`;
  await terminal.type(`${slowly}; echo all-$((1 + 1))-told`);
  for (const lost of [line, uplink, line, uplink]) {
    await lasts(700);
    lost.cut();
  }
  await expect(terminal.screen).toContainText('all-2-told', { timeout: 40_000 });
  await expect(terminal.status).toHaveText('Connected');
  await expect(terminal.screen).toContainText(`line ${LINES - 1}line ${LINES}all-2-told`.trim());

  // While the browser's line is down it says so, and what is typed meanwhile arrives.
  line.break();
  await expect(terminal.status).toHaveText('Reconnecting…');
  await terminal.type('echo typed-$((20 + 3))-in-the-dark');
  await lasts(DOWN_MS);
  await expect(terminal.status).toHaveText('Reconnecting…');
  line.mend();
  await expect(terminal.screen).toContainText('typed-23-in-the-dark', { timeout: 20_000 });
  await expect(terminal.status).toHaveText('Connected');

  // The device's own line.
  uplink.break();
  await expect(terminal.status).toHaveText('Device reconnecting…', { timeout: 20_000 });
  await terminal.type('echo typed-$((20 + 4))-without-a-device');
  uplink.mend();
  await expect(terminal.screen).toContainText('typed-24-without-a-device', { timeout: 40_000 });
  await expect(terminal.status).toHaveText('Connected', { timeout: 20_000 });
  await terminal.runs('echo the-same-$$', `the-same-${shellId}`);
});

test('a desktop goes on when a line is lost', async ({ line, uplink, remote, device, demo, page }, info) => {
  const desktop = new Desktop(page, demo);
  await desktop.open(device, 'screen');
  await desktop.isShown();
  const heard = await remote.listen();
  const types = async (text: string) => {
    await desktop.focus();
    await page.keyboard.type(text);
  };
  await types('one ');
  await expect.poll(() => heard.text()).toBe('one ');

  line.cut();
  await types('two ');
  await expect.poll(() => heard.text(), { timeout: 20_000 }).toBe('one two ');
  uplink.cut();
  await types('three ');
  await expect.poll(() => heard.text(), { timeout: 40_000 }).toBe('one two three ');

  line.break();
  await expect(desktop.status).toHaveText('Reconnecting…');
  // A phone has no bar while a desktop runs.
  const over = page.locator('.viewer__waits').getByText('Reconnecting…');
  await (info.project.name === 'phone' ? expect(over).toBeVisible() : expect(over).toBeHidden());
  await types('four ');
  await lasts(DOWN_MS);
  line.mend();
  await expect.poll(() => heard.text(), { timeout: 20_000 }).toBe('one two three four ');
  await expect(desktop.status).toHaveText('Connected');

  uplink.break();
  await expect(desktop.status).toHaveText('Device reconnecting…', { timeout: 20_000 });
  await types('five');
  uplink.mend();
  await expect.poll(() => heard.text(), { timeout: 40_000 }).toBe('one two three four five');
  await expect(desktop.status).toHaveText('Connected', { timeout: 20_000 });
});

test('a terminal and a desktop go on after half a minute of darkness', { tag: '@desktop' }, async ({
  line,
  uplink,
  shell,
  remote,
  device,
  demo,
  page,
  context,
}) => {
  test.setTimeout(180_000);
  const desktop = new Desktop(page, demo);
  await desktop.open(device, 'screen');
  await desktop.isShown();
  const heard = await remote.listen();
  await desktop.focus();
  await page.keyboard.type('before ');
  await expect.poll(() => heard.text()).toBe('before ');
  const terminal = await openShell(await context.newPage(), demo, device, shell);
  await terminal.runs('echo pid-$$-begins', /pid-\d+-begins/);
  const shellId = /pid-(\d+)-begins/.exec(await terminal.text())![1];

  line.darken();
  uplink.darken();
  await lasts(DARK_MS);
  await terminal.type('echo the-same-$$-after');
  await page.bringToFront();
  await desktop.focus();
  await page.keyboard.type('after');
  line.mend();
  uplink.mend();
  await expect.poll(() => heard.text(), { timeout: 60_000 }).toBe('before after');
  await expect(terminal.screen).toContainText(`the-same-${shellId}-after`, { timeout: 60_000 });
});

async function openShell(page: Page, demo: Demo, device: OwnDevice, shell: Dropbear): Promise<Terminal> {
  const terminal = new Terminal(page, demo);
  await page.goto(`${demo.url}/devices/${device.id}/services/shell`);
  await terminal.submitPassword(shell.user, shell.password);
  await terminal.isReady();
  return terminal;
}
