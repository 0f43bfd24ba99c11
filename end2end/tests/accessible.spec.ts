// Every page passes axe.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test } from '../stage/test.ts';

async function isAccessible(page: Page): Promise<void> {
  const builder = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa']);
  const { violations } = await builder.analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  expect(told).toEqual([]);
}

for (const scheme of ['light', 'dark'] as const) {
  test.describe(`in ${scheme} colours`, () => {
    test.use({ colorScheme: scheme });

    test('the sign-in page is accessible', async ({ page, signIn }) => {
      await signIn.open();
      await isAccessible(page);
    });

    test('the pages of the app are accessible', async ({ page, demo, devices }) => {
      await isAccessible(page);
      await devices.openDevice(demo.device(0));
      await isAccessible(page);
      for (const path of ['/add-device', '/add-device/webtunnel', '/settings']) {
        await page.goto(`${demo.url}${path}`);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await isAccessible(page);
      }
    });
  });
}

test('no page scrolls sideways at 360 px', async ({ page, demo, devices }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const paths = ['/', `/devices/${demo.device(0).id}`, '/add-device', '/settings'];
  paths.push('/add-device/webtunnel');
  for (const path of paths) {
    await page.goto(`${demo.url}${path}`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const widths = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return { scrollWidth, clientWidth };
    });
    expect(widths.scrollWidth, path).toBeLessThanOrEqual(widths.clientWidth);
  }
  await devices.open();
});
