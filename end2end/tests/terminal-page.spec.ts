// The page around a terminal: what it asks, what it remembers, how fingers and keyboards get about.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { Terminal } from '../stage/pages/terminal.ts';
import { expect, test as base } from '../stage/test.ts';

const PUMP = 0;
const GATE = 1;

const test = base.extend<{ terminal: Terminal }>({
  terminal: async ({ page, demo, devices }, use) => {
    await devices.isShown();
    await use(new Terminal(page, demo));
  },
});

test('a key that is no key is told beside the field', async ({ demo, terminal }) => {
  await terminal.open(demo.device(PUMP));
  await terminal.submitKey(demo.device(PUMP).ssh.user, 'not a key at all');
  await expect(terminal.page.getByText('This is no private key that can be read.')).toBeVisible();
  await expect(terminal.page.locator('#ssh-key')).toBeFocused();
});

test('the account is remembered, what proves it is not', async ({ demo, page, terminal }) => {
  const { user } = demo.device(PUMP).ssh;
  await terminal.signIn(demo.device(PUMP));
  await terminal.type('exit');
  await expect(terminal.panel('The shell has ended')).toBeVisible();
  await page.getByRole('button', { name: 'Sign in again' }).click();
  await expect(terminal.userName).toHaveValue(user);
  await page.getByRole('radio', { name: 'Private key' }).check({ force: true });
  await expect(page.locator('#ssh-key')).toHaveValue('');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).toContain(user);
  expect(kept).not.toContain('PRIVATE KEY');
});

test('several lines are pasted only after a question', async ({ context, demo, page, terminal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await terminal.signIn(demo.device(PUMP));
  // It does not tell pasted text from typed; the shell does, until it has read its line.
  await terminal.runs('echo read-$((40 + 2)); cat', 'read-42');
  await page.evaluate(() => navigator.clipboard.writeText('first line\nsecond line\n'));
  await terminal.press('Control+Shift+V');
  await expect(terminal.panel('Paste 2 lines?')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(terminal.screen).not.toContainText('second line');
  await terminal.press('Control+Shift+V');
  await page.getByRole('button', { name: 'Paste', exact: true }).click();
  await expect(terminal.screen).toContainText('second line');
});

test('larger text leaves the shell fewer columns', async ({ demo, terminal }) => {
  await terminal.signIn(demo.device(PUMP));
  const columns = async () => {
    await terminal.runs('clear; echo wide:$(tput cols):', /wide:\d+:/);
    return Number(/wide:(\d+):/.exec(await terminal.text())?.[1]);
  };
  const before = await columns();
  for (let times = 0; times < 4; times += 1) await terminal.press('Control+Equal');
  await expect.poll(columns).toBeLessThan(before);
  await terminal.press('Control+0');
  await expect.poll(columns).toBe(before);
});

test('a terminal of a device that is away waits for it', async ({ demo, page, terminal }) => {
  await demo.stopDevice(GATE);
  try {
    const { id } = demo.device(GATE);
    await page.goto(`${demo.url}/devices/${id}/services/ssh`);
    await expect(terminal.panel(/^Waiting for /)).toBeVisible({ timeout: 30_000 });
  } finally {
    await demo.startDevice(GATE);
  }
  await expect(terminal.userName).toBeVisible({ timeout: 30_000 });
});

test('the key row holds Ctrl for one letter that a phone types', { tag: '@phone' }, async ({
  demo,
  page,
  terminal,
}) => {
  await terminal.signIn(demo.device(PUMP));
  await terminal.type('sleep 600');
  await terminal.key('Ctrl').tap();
  await expect(terminal.key('Ctrl')).toHaveAttribute('aria-pressed', 'true');
  // As a phone's keyboard does: text, no key.
  await page.keyboard.insertText('c');
  await expect(terminal.key('Ctrl')).toHaveAttribute('aria-pressed', 'false');
  await terminal.runs('clear; echo woken-$((6 * 7))', 'woken-42');

  await page.keyboard.insertText('hostnam');
  await terminal.key('Tab').tap();
  await terminal.key('More keys').tap();
  await terminal.key('Pipe').tap();
  await terminal.runs('wc -l', /hostname *\|wc -l/);
  const row = page.getByRole('toolbar', { name: 'Keys' });
  for (const key of await row.getByRole('button').all()) {
    const place = await key.boundingBox();
    expect(place?.height).toBeGreaterThanOrEqual(44);
    expect((place?.x ?? 0) + (place?.width ?? 0)).toBeLessThanOrEqual(page.viewportSize()!.width);
  }
});

test('the bar hides on a phone and comes back by a tap', { tag: '@phone' }, async ({
  demo,
  page,
  terminal,
}) => {
  await terminal.signIn(demo.device(PUMP));
  const back = page.getByRole('link', { name: 'Back to the device' });
  await expect(back).toBeHidden();
  await page.getByRole('button', { name: 'Show the bar' }).tap();
  await expect(back).toBeVisible();
  await back.tap();
  const { name } = demo.device(PUMP);
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  // The connection, and all that was typed, ends with the page.
  await expect.poll(() => page.workers().length).toBe(0);
});

async function isAccessible(page: Page): Promise<void> {
  const builder = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa']);
  const { violations } = await builder.analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  expect(told).toEqual([]);
}

for (const scheme of ['light', 'dark'] as const) {
  test.describe(`in ${scheme} colours`, () => {
    test.use({ colorScheme: scheme });

    test('the terminal is accessible, and the keyboard gets out of it', async ({
      demo,
      page,
      terminal,
    }) => {
      await terminal.open(demo.device(PUMP));
      await isAccessible(page);
      await terminal.signIn(demo.device(PUMP));
      await isAccessible(page);
      await terminal.press('Control+Shift+ArrowUp');
      await expect(page.getByRole('button', { name: 'Search in the terminal' })).toBeFocused();
    });
  });
}
