// What a person sees when a service misbehaves.
import { expect, test } from '../stage/test.ts';

test.use({ expectedErrors: [/50\d/, /ERR_/] });

test('a refused service says so', async ({ demo, devices }) => {
  const page = await devices.openService(demo.device(0), 'old-panel');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('body')).toContainText(/refused|nothing listens|could not connect/i);
});

test('a hanging service says so', async ({ demo, devices }) => {
  test.setTimeout(120_000);
  const panel = await devices.openPanel(demo.device(0));
  await panel.page.goto(new URL('/hang', demo.device(0).url).href, { timeout: 100_000 });
  await expect(panel.page.locator('body')).toContainText(/in time/i);
});

test('an answer that breaks off is not taken for whole', async ({ demo, devices }) => {
  const panel = await devices.openPanel(demo.device(0));
  const outcome = await panel.page.evaluate(async () => {
    const answer = await fetch('/break');
    return answer.text().then(
      () => 'whole',
      () => 'broken',
    );
  });
  expect(outcome).toBe('broken');
  await panel.gaugeMoves();
});
