// The page of a demo device.
import { expect, type Locator, type Page } from '@playwright/test';

export class Panel {
  constructor(readonly page: Page) {}

  async isShown(deviceName: string): Promise<void> {
    await expect(this.page.getByRole('heading', { level: 1, name: deviceName })).toBeVisible();
  }

  get readingNumber(): Locator {
    return this.page.getByLabel('Reading number');
  }

  get clock(): Locator {
    return this.page.getByLabel('Clock');
  }

  get setPoint(): Locator {
    return this.page.getByLabel('Set point');
  }

  get note(): Locator {
    return this.page.getByLabel('Note now');
  }

  get uploadResult(): Locator {
    return this.page.getByLabel('Upload result');
  }

  get historyDigest(): Locator {
    return this.page.getByLabel('SHA-256 of the history');
  }

  get history(): Locator {
    return this.page.getByRole('link', { name: 'Download history (100 MB)' });
  }

  /** The gauge has moved since now, over its WebSocket. */
  async gaugeMoves(): Promise<void> {
    const before = Number(await this.readingNumber.textContent());
    await expect
      .poll(async () => Number(await this.readingNumber.textContent()))
      .toBeGreaterThan(before + 2);
  }

  async apply(setPoint: string, note: string): Promise<void> {
    await this.page.locator('input[name=set_point]').fill(setPoint);
    await this.page.getByLabel('Note', { exact: true }).fill(note);
    await this.page.getByRole('button', { name: 'Apply' }).click();
  }

  async upload(name: string, bytes: Buffer): Promise<void> {
    const file = { name, mimeType: 'application/octet-stream', buffer: bytes };
    await this.page.getByLabel('Firmware file').setInputFiles(file);
    await this.page.getByRole('button', { name: 'Upload' }).click();
  }
}
