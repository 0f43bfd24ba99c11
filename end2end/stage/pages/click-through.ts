// What the manager asks before it leads to a device page that nobody opened from the app.
import { type Page } from '@playwright/test';

export class ClickThrough {
  constructor(private readonly page: Page) {}

  async accept(): Promise<void> {
    await this.page.getByRole('button', { name: /open|continue/i }).click();
  }
}
