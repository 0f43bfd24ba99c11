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
    return this.page.getByRole('listitem').filter({ hasText: device.name });
  }

  async hasState(device: Device, word: string | RegExp): Promise<void> {
    await expect(this.row(device)).toContainText(word, { timeout: 30_000 });
  }

  async search(text: string): Promise<void> {
    await this.page.getByRole('searchbox').fill(text);
  }

  /** Opens the device's own page in the app. */
  async openDevice(device: Device): Promise<void> {
    await this.page.getByRole('link', { name: device.name }).click();
    await expect(this.page.getByRole('heading', { level: 1, name: device.name })).toBeVisible();
  }

  /** Opens the web page that the device serves; it may come in a tab of its own. */
  async openPanel(device: Device): Promise<Panel> {
    const own = this.page.context().waitForEvent('page', { timeout: 3_000 }).catch(() => this.page);
    await this.row(device).getByRole('button', { name: /web/i }).first().click();
    const panel = new Panel(await own);
    await panel.isShown(device.name);
    return panel;
  }

  async signOut(): Promise<void> {
    await this.page.goto(`${this.demo.url}/settings`);
    await this.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  }
}
