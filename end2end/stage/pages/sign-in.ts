// The page where a person signs in.
import { expect, type Locator, type Page } from '@playwright/test';

import type { Demo } from '../demo.ts';

export class SignIn {
  constructor(
    private readonly page: Page,
    private readonly demo: Demo,
  ) {}

  async open(): Promise<void> {
    await this.page.goto(`${this.demo.url}/`);
    await this.isShown();
  }

  async isShown(): Promise<void> {
    await expect(this.button).toBeVisible();
  }

  async submit(username: string, password: string): Promise<void> {
    await this.username.fill(username);
    await this.password.fill(password);
    await this.button.click();
  }

  get username(): Locator {
    return this.page.getByLabel('User name', { exact: true });
  }

  get password(): Locator {
    return this.page.getByLabel('Password', { exact: true });
  }

  get button(): Locator {
    return this.page.getByRole('button', { name: 'Sign in', exact: true });
  }

  /** The words for the fault stand beside the password, and belong to it. */
  async isRefused(): Promise<void> {
    await expect(this.password).toHaveAttribute('aria-invalid', 'true');
    await expect(this.password).toHaveAccessibleDescription(/password/i);
  }
}
