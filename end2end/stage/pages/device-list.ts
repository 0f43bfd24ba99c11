// The list of devices, and what hangs at its frame.
import { expect, type Locator, type Page } from '@playwright/test';

import type { Demo, Device } from '../demo.ts';
import { Panel } from './panel.ts';

export class DeviceList {
  constructor(
    readonly page: Page,
    private readonly demo: Demo,
  ) {}

  async isShown(): Promise<void> {
    await expect(this.page.getByRole('heading', { level: 1, name: 'Devices' })).toBeVisible();
  }

  async open(): Promise<void> {
    await this.page.goto(`${this.demo.url}/`);
    await this.isShown();
  }

  row(device: Device): Locator {
    const list = this.page.getByRole('list', { name: 'Devices', exact: true });
    return list.getByRole('listitem').filter({ hasText: device.name });
  }

  async hasState(device: Device, word: string | RegExp): Promise<void> {
    await expect(this.row(device)).toContainText(word, { timeout: 30_000 });
  }

  async search(text: string): Promise<void> {
    await this.page.getByRole('searchbox').fill(text);
  }

  /** Opens the device's own page in the app. */
  async openDevice(device: Device): Promise<void> {
    await this.page.getByRole('link', { name: device.name, exact: true }).click();
    await expect(this.page.getByRole('heading', { level: 1, name: device.name })).toBeVisible();
  }

  /** Opens the web page that the device serves, in a tab of its own. */
  async openPanel(device: Device): Promise<Panel> {
    const panel = new Panel(await this.openService(device, 'web'));
    await panel.isShown(device.name);
    return panel;
  }

  async openService(device: Device, service: string): Promise<Page> {
    const opened = this.page.context().waitForEvent('page');
    const name = `Open ${service} of ${device.name}`;
    await this.row(device).getByRole('button', { name, exact: true }).click();
    return opened;
  }

  /** Opens the terminal, in this tab. */
  async openTerminal(device: Device): Promise<void> {
    const name = `Open ssh of ${device.name}`;
    await this.row(device).getByRole('link', { name, exact: true }).click();
    await expect(this.page.getByLabel('User name')).toBeVisible();
  }

  /** From the account's menu where there is one, else from the settings: a phone has no rail. */
  async signOut(): Promise<void> {
    const account = this.page.getByRole('button', { name: 'Your account' });
    if (await account.isVisible()) {
      await account.click();
      await this.page.getByRole('menuitem', { name: 'Sign out' }).click();
    } else {
      await this.page.getByRole('link', { name: 'Settings' }).click();
      await this.page.getByRole('button', { name: 'Sign out' }).click();
    }
  }
}
