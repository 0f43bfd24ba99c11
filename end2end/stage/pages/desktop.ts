// The desktop of a device.
import { expect, type Locator, type Page } from '@playwright/test';

import type { Demo, Device } from '../demo.ts';

export class Desktop {
  constructor(
    readonly page: Page,
    private readonly demo: Demo,
  ) {}

  async open(device: Pick<Device, 'id'>, service = 'desktop'): Promise<void> {
    await this.page.goto(`${this.demo.url}/devices/${device.id}/services/${service}`);
  }

  get password(): Locator {
    return this.page.getByLabel('Password of the desktop');
  }

  async submit(password: string): Promise<void> {
    await this.password.fill(password);
    await this.page.getByRole('button', { name: 'Open', exact: true }).click();
  }

  /** Up to the picture. */
  async signIn(device: Device): Promise<void> {
    await this.open(device);
    await this.submit(device.desktop.password);
    await this.isShown();
  }

  async isShown(): Promise<void> {
    await expect(this.status).toHaveText('Connected', { timeout: 20_000 });
    await expect(this.picture).toBeVisible();
  }

  get picture(): Locator {
    return this.page.locator('.desk__picture');
  }

  /** The connection as the bar tells it; a phone hides it. */
  get status(): Locator {
    return this.page.locator('.viewer__status');
  }

  /** Gives the keyboard to the desktop. */
  async focus(): Promise<void> {
    await this.page.locator('#desktop-keys').focus();
  }

  /** What is said instead of a picture. */
  panel(words: string | RegExp): Locator {
    return this.page.getByRole('heading', { level: 2, name: words });
  }

  /** Calls the bar back, where a phone has hidden it. */
  async showBar(): Promise<void> {
    const handle = this.page.getByRole('button', { name: 'Show the bar' });
    if (await handle.isVisible()) await handle.click();
  }

  async choose(action: string | RegExp): Promise<void> {
    await this.showBar();
    await this.page.getByRole('button', { name: 'More actions' }).click();
    const menu = this.page.getByRole('menu');
    await menu.locator('button').filter({ hasText: action }).click();
  }

  key(name: string): Locator {
    const row = this.page.getByRole('toolbar', { name: 'Keys' });
    return row.getByRole('button', { name, exact: true });
  }
}
