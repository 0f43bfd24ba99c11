// Devices whose agent speaks WebTunnel, from their file to their page.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Page } from '@playwright/test';

import { Demo } from '../stage/demo.ts';
import { DeviceList } from '../stage/pages/device-list.ts';
import { SignIn } from '../stage/pages/sign-in.ts';
import { expect, test } from '../stage/test.ts';
import { WebTunnelAgent } from '../stage/webtunnel-agent.ts';

interface PageOfDevice {
  port: number;
  end(): Promise<void>;
}

async function pageOfDevice(): Promise<PageOfDevice> {
  const server = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end('<!doctype html><title>Boiler</title><link rel="icon" href="data:,"><h1>The boiler</h1>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const end = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, end };
}

/** Makes a device in the app; its file, as the browser saved it. */
async function makeDevice(page: Page, id: string, port: number): Promise<string> {
  await page.getByLabel('Device id').fill(id);
  await page.getByLabel('Web page').fill(String(port));
  await page.getByLabel('SSH').fill('');
  await page.getByRole('button', { name: 'Make device' }).click();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download WebTunnelAgent.properties' }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toBe('WebTunnelAgent.properties');
  return readFile(await download.path(), 'utf8');
}

test('a WebTunnel agent connects with the file that the app made for it', async ({
  page,
  demo,
  devices,
}, info) => {
  const id = `boiler-${info.project.name}`;
  const boiler = await pageOfDevice();
  let agent: WebTunnelAgent | undefined;
  try {
    await page.goto(`${demo.url}/add-device`);
    await page.getByRole('link', { name: 'Connect it as it is' }).click();
    const file = await makeDevice(page, id, boiler.port);
    await expect(page.getByText('Waiting for your device')).toBeVisible();
    agent = await WebTunnelAgent.start(file);
    await expect(page.getByRole('button', { name: 'Open web page' })).toBeVisible();
    await page.getByRole('link', { name: 'Go to device' }).click();

    const section = page.getByRole('region', { name: 'WebTunnel agent' });
    await expect(section).toContainText(id);
    await expect(section).toContainText('what is open on it ends');
    const opened = page.context().waitForEvent('page');
    await page.getByRole('button', { name: /^Open/ }).first().click();
    const shown = await opened;
    await expect(shown.getByRole('heading', { name: 'The boiler' })).toBeVisible();
    expect(new URL(shown.url()).host.split('.')[0]).toBe(id);
    await shown.close();

    await devices.open();
  } finally {
    agent?.end();
    await boiler.end();
  }
});

test.describe('a second device of an id', () => {
  test.use({ expectedErrors: /409 \(Conflict\)/ });

  test('is refused in words', async ({ page, demo, devices }, info) => {
    const id = `twice-${info.project.name}`;
    await page.goto(`${demo.url}/add-device/webtunnel`);
    await makeDevice(page, id, 80);
    await page.goto(`${demo.url}/add-device/webtunnel`);
    await page.getByLabel('Device id').fill(id);
    await page.getByRole('button', { name: 'Make device' }).click();
    await expect(page.getByRole('alert')).toContainText('a device with this id already');
    await devices.open();
  });
});

test.describe('a disabled device', () => {
  test('is cut off and kept out until it is enabled', async ({ page, demo, devices }, info) => {
    const id = `valve-${info.project.name}`;
    const valve = await pageOfDevice();
    let agent: WebTunnelAgent | undefined;
    try {
      await page.goto(`${demo.url}/add-device/webtunnel`);
      const file = await makeDevice(page, id, valve.port);
      agent = await WebTunnelAgent.start(file);
      await page.getByRole('link', { name: 'Go to device' }).click();

      await page.getByRole('button', { name: 'Disable device' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Disable device' }).click();
      await expect(page.getByRole('heading', { name: 'This device is disabled' })).toBeVisible();
      await agent.ended();
      await expect(WebTunnelAgent.start(file)).rejects.toThrow('Device disabled');
      await devices.open();
      const row = page.getByRole('listitem').filter({ hasText: id });
      await expect(row).toContainText('Disabled');

      await row.getByRole('link', { name: id }).click();
      await page.getByRole('region', { name: 'Disabled' }).getByRole('button').click();
      await expect(page.getByRole('heading', { name: 'This device is disabled' })).toBeHidden();
      agent = await WebTunnelAgent.start(file);
      await expect(page.locator('.device-header__state')).toContainText('Online');
    } finally {
      agent?.end();
      await valve.end();
    }
  });
});

test('devices register themselves by the secret of their domain', async ({ page }) => {
  const demo = await Demo.start(0);
  let agent: WebTunnelAgent | undefined;
  try {
    const signIn = new SignIn(page, demo);
    await signIn.open();
    await signIn.submit(demo.username, demo.password);
    const devices = new DeviceList(page, demo);
    await devices.isShown();
    await page.goto(`${demo.url}/settings`);
    const domains = page.getByRole('region', { name: 'WebTunnel agents' });
    const domain = await domains.locator('.copy-field__text').textContent();
    await domains.getByRole('button', { name: 'Set a secret' }).click();
    await page.getByRole('button', { name: 'Set secret' }).click();
    const shown = page.getByRole('dialog').locator('.copy-field__text');
    await expect(shown).toHaveText(/^adit_agent_/);
    const secret = await shown.textContent();
    await page.getByRole('button', { name: 'Done' }).click();
    await expect(domains).toContainText('Secret of the domain: set');

    const server = new URL(demo.url);
    const file = [
      `webtunnel.reflectorURI = ${server.origin}`,
      `webtunnel.username = meter-1@${domain}`,
      `webtunnel.password = ${secret}`,
      'webtunnel.ports = 80',
      'webtunnel.httpPort = 80',
    ].join('\n');
    await expect(WebTunnelAgent.start(file)).rejects.toThrow('the domain has no such device');
    const registration = domains.getByRole('switch', { name: 'Devices may register themselves' });
    await expect(registration).not.toBeChecked();
    await registration.click();
    await page.getByRole('button', { name: 'Let them register' }).click();
    await expect(registration).toBeChecked();
    agent = await WebTunnelAgent.start(file);
    await devices.open();
    const row = page.getByRole('listitem').filter({ hasText: 'meter-1' });
    await expect(row).toContainText('Online');

    // A secret of its own, and the domain's opens it no more.
    await row.getByRole('link', { name: 'meter-1' }).click();
    const section = page.getByRole('region', { name: 'WebTunnel agent' });
    await expect(section).toContainText('Its domain’s');
    await section.getByRole('button', { name: 'New secret' }).click();
    await page.getByRole('button', { name: 'Make secret' }).click();
    await expect(shown).toHaveText(/^adit_agent_/);
    const own = await shown.textContent();
    await page.getByRole('button', { name: 'Done' }).click();
    await expect(section).toContainText('Its own');
    await expect(WebTunnelAgent.start(file)).rejects.toThrow('The password is wrong');
    agent.end();
    agent = await WebTunnelAgent.start(file.replace(secret!, own!));

    await page.goto(`${demo.url}/settings`);
    await domains.getByRole('button', { name: 'Remove secret' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove secret' }).click();
    await expect(domains).toContainText('The domain has no secret');
  } finally {
    // First: a page that outlives its server notes that as an error.
    await page.close();
    agent?.end();
    await demo.end();
  }
});
