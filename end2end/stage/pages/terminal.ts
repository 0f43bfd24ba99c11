// The terminal of a device.
import { expect, type Locator, type Page } from '@playwright/test';

import type { Demo, Device } from '../demo.ts';

export class Terminal {
  constructor(
    readonly page: Page,
    private readonly demo: Demo,
  ) {}

  get screen(): Locator {
    return this.page.locator('.xterm-rows');
  }

  async open(device: Device, service = 'ssh'): Promise<void> {
    await this.page.goto(`${this.demo.url}/devices/${device.id}/services/${service}`);
    await expect(this.userName).toBeVisible();
  }

  get userName(): Locator {
    return this.page.getByLabel('User name');
  }

  /** Up to the shell's prompt. */
  async signIn(device: Device): Promise<void> {
    await this.open(device);
    await this.submitKey(device.ssh.user, device.ssh.private_key);
    await this.isReady();
  }

  async submitKey(user: string, key: string): Promise<void> {
    await this.userName.fill(user);
    await this.page.getByRole('radio', { name: 'Private key' }).check({ force: true });
    await this.page.locator('#ssh-key').fill(key);
    await this.submit();
  }

  async submitPassword(user: string, password: string): Promise<void> {
    await this.userName.fill(user);
    await this.page.locator('#ssh-password').fill(password);
    await this.submit();
  }

  private async submit(): Promise<void> {
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }

  async isReady(): Promise<void> {
    await expect(this.screen).toContainText(/[#$]\s*$/, { timeout: 20_000 });
  }

  async focus(): Promise<void> {
    await this.page.locator('.xterm-helper-textarea').focus();
  }

  /** What is on the screen. */
  async text(): Promise<string> {
    return this.screen.innerText();
  }

  /** Types a line as a person does. */
  async type(line: string): Promise<void> {
    await this.focus();
    await this.page.keyboard.type(`${line}\n`);
  }

  /** Runs a command whose output holds what is not in the command itself. */
  async runs(line: string, output: string | RegExp): Promise<void> {
    await this.type(line);
    await expect(this.screen).toContainText(output, { timeout: 20_000 });
  }

  /** The connection as the bar tells it. */
  get status(): Locator {
    return this.page.locator('.viewer__status');
  }

  /** What is said instead of a shell. */
  panel(words: string | RegExp): Locator {
    return this.page.getByRole('heading', { level: 2, name: words });
  }

  async press(keys: string): Promise<void> {
    await this.focus();
    await this.page.keyboard.press(keys);
  }

  key(name: string): Locator {
    const row = this.page.getByRole('toolbar', { name: 'Keys' });
    return row.getByRole('button', { name, exact: true });
  }
}
