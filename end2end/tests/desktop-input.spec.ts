// Keys, the pointer and the clipboards of a device's desktop.
import type { CDPSession, Page } from '@playwright/test';

import { OwnDevice } from '../stage/own-device.ts';
import { Desktop } from '../stage/pages/desktop.ts';
import { Screen, type Keystrokes } from '../stage/screen.ts';
import { expect, test as base } from '../stage/test.ts';

const test = base.extend<{
  keyboardLayout: string | undefined;
  remote: Screen;
  desktop: Desktop;
  heard: Keystrokes;
}>({
  keyboardLayout: [undefined, { option: true }],

  remote: async ({ keyboardLayout }, use) => {
    const screen = await Screen.start(keyboardLayout ? { layout: keyboardLayout } : {});
    await use(screen);
    await screen.end();
  },

  desktop: async ({ remote, page, demo, devices }, use, info) => {
    const services = [{ name: 'screen', kind: 'vnc' as const, port: remote.port }];
    const name = `Screen ${info.project.name} ${info.testId}`;
    const device = await OwnDevice.enrol(devices, demo, name, services);
    try {
      const desktop = new Desktop(page, demo);
      await desktop.open(device, 'screen');
      await desktop.isShown();
      await use(desktop);
    } finally {
      await device.end();
    }
  },

  heard: async ({ remote, desktop }, use) => {
    // A page that shows the desktop is open by then.
    await expect(desktop.picture).toBeVisible();
    await use(await remote.listen());
  },
});

async function arrives(heard: Keystrokes, text: string): Promise<void> {
  await expect.poll(() => heard.text(), { timeout: 20_000 }).toContain(text);
}

/** A key as the browser would tell it with another layout than the one that this machine has. */
async function press(keys: CDPSession, key: string, code: string, text = key): Promise<void> {
  const about = { key, code, text, unmodifiedText: text };
  await keys.send('Input.dispatchKeyEvent', { type: 'keyDown', ...about });
  await keys.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code });
}

test('typed text arrives', async ({ desktop, heard, page }) => {
  await desktop.focus();
  await page.keyboard.type('Hello, World! (x+y)=~{z}|"\\');
  await page.keyboard.press('Enter');
  await arrives(heard, 'Hello, World! (x+y)=~{z}|"\\\r');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Control+c');
  await page.keyboard.press('Tab');
  await page.keyboard.press('F5');
  await arrives(heard, '\x1b[A\x03\t\x1b[15~');
});

test('what a phone writes arrives', async ({ desktop, heard, page }) => {
  await desktop.focus();
  // It tells no keys: it puts text into the field, and takes some away again.
  await page.keyboard.insertText('Grüße €5 → ');
  await arrives(heard, 'Grüße €5 → ');
  await page.keyboard.insertText('teh');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.keyboard.insertText('he');
  await arrives(heard, 'teh\x7f\x7fhe');
});

test.describe('with a German keyboard on both sides', () => {
  test.use({ keyboardLayout: 'de' });

  test('umlauts, sharp s and AltGr arrive', async ({ desktop, heard, page, context }) => {
    await desktop.focus();
    const keys = await context.newCDPSession(page);
    await press(keys, 'z', 'KeyY');
    await press(keys, 'ä', 'Quote');
    await press(keys, 'ß', 'Minus');
    const altGr = { key: 'AltGraph', code: 'AltRight', location: 2 };
    await keys.send('Input.dispatchKeyEvent', { type: 'keyDown', ...altGr });
    await press(keys, '@', 'KeyQ');
    await press(keys, '€', 'KeyE');
    await keys.send('Input.dispatchKeyEvent', { type: 'keyUp', ...altGr });
    await press(keys, 'q', 'KeyQ');
    await arrives(heard, 'zäß@€q');
  });
});

test('keys that are down are let go when the focus leaves', { tag: '@desktop' }, async ({ desktop, heard, page }) => {
  await desktop.focus();
  await page.keyboard.down('Control');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.up('Control');
  await desktop.focus();
  await page.keyboard.press('c');
  await arrives(heard, 'c');
  expect(await heard.text()).not.toContain('\x03');
});

test('the mouse clicks, drags and turns its wheel', { tag: '@desktop' }, async ({ desktop, heard, page }) => {
  const box = (await desktop.picture.boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.click(x, y);
  await expect.poll(() => presses(heard)).toEqual([0]);
  await page.mouse.click(x, y, { button: 'right' });
  await page.mouse.click(x, y, { button: 'middle' });
  await expect.poll(() => presses(heard)).toEqual([0, 2, 1]);
  await page.mouse.wheel(0, 120);
  await expect.poll(() => presses(heard)).toEqual([0, 2, 1, 65, 65]);
  await page.mouse.wheel(0, -120);
  await expect.poll(() => presses(heard)).toEqual([0, 2, 1, 65, 65, 64, 64]);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 200, y, { steps: 4 });
  await page.mouse.up();
  // 32: it moves with the left button down.
  await expect.poll(async () => (await heard.mouse()).some(({ button }) => button === 32)).toBe(true);
  await expect.poll(async () => (await heard.mouse()).at(-1)?.down).toBe(false);
});

async function presses(heard: Keystrokes): Promise<number[]> {
  return (await heard.mouse()).filter(({ down }) => down).map(({ button }) => button);
}

test.describe('with fingers', { tag: '@phone' }, () => {
  /** Fingers as the browser tells them: each point is where one is now; none: all are gone. */
  const fingers = async (page: Page) => {
    const session = await page.context().newCDPSession(page);
    const tell = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: [number, number][]) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    return tell;
  };

  test('a tap clicks, a finger that stays is the right button, one that moves drags', async ({
    desktop,
    heard,
    page,
  }) => {
    const box = (await desktop.picture.boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const touch = await fingers(page);
    // Told at once: on a slow machine a finger would stay while the next word is awaited.
    await Promise.all([touch('touchStart', [[x, y]]), touch('touchEnd', [])]);
    await expect.poll(() => presses(heard)).toEqual([0]);
    await touch('touchStart', [[x, y]]);
    await expect.poll(() => presses(heard), { timeout: 5_000 }).toEqual([0, 2]);
    await touch('touchEnd', []);
    const moves = [20, 50, 90].map((way) => () => touch('touchMove', [[x + way, y]]));
    await Promise.all([touch('touchStart', [[x, y]]), moves[0]!()]);
    for (const move of moves.slice(1)) await move();
    await touch('touchEnd', []);
    await expect.poll(async () => (await presses(heard)).includes(32)).toBe(true);
    await expect.poll(async () => (await heard.mouse()).at(-1)?.down).toBe(false);
  });

  test('two fingers turn the wheel, and zoom', async ({ desktop, heard, page }) => {
    const box = (await desktop.picture.boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const touch = await fingers(page);
    const both = (apart: number, down: number): [number, number][] => [
      [x - apart, y + down],
      [x + apart, y + down],
    ];
    await touch('touchStart', [[x - 40, y]]);
    await touch('touchStart', both(40, 0));
    for (const way of [-20, -50, -90]) await touch('touchMove', both(40, way));
    await touch('touchEnd', []);
    await expect.poll(async () => (await presses(heard)).filter((button) => button === 65).length).toBeGreaterThan(1);
    expect(await presses(heard)).not.toContain(64);

    await touch('touchStart', [[x - 30, y]]);
    await touch('touchStart', both(30, 0));
    for (const apart of [45, 70, 100]) await touch('touchMove', both(apart, 0));
    await touch('touchEnd', []);
    const larger = (await desktop.picture.boundingBox())!;
    expect(larger.width).toBeGreaterThan(box.width * 2);
    // Now the picture moves in its room instead of the wheel.
    const wheels = (await presses(heard)).length;
    await touch('touchStart', [[x - 40, y]]);
    await touch('touchStart', both(40, 0));
    for (const way of [20, 40, 60]) {
      await touch('touchMove', [
        [x - 40 - way, y],
        [x + 40 - way, y],
      ]);
    }
    await touch('touchEnd', []);
    const moved = (await desktop.picture.boundingBox())!;
    expect(moved.x).toBeLessThan(larger.x - 30);
    expect((await presses(heard)).length).toBe(wheels);
  });

  test('the key row has the keys that phones lack', async ({ desktop, heard, page }) => {
    await desktop.key('Esc').tap();
    await desktop.key('Up').tap();
    await arrives(heard, '\x1b\x1b[A');
    await desktop.key('Ctrl').tap();
    await desktop.key('Keyboard').tap();
    await expect(page.locator('#desktop-keys')).toBeFocused();
    await page.keyboard.insertText('c');
    await arrives(heard, '\x03');
    await page.keyboard.insertText('c');
    await arrives(heard, '\x03c');
  });
});

test('the clipboards are joined by a button, both ways', async ({
  desktop,
  remote,
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await desktop.picture.click();
  await remote.copy('von dort: äöü €');
  await desktop.showBar();
  await page.getByRole('button', { name: 'Clipboard', exact: true }).click();
  const text = page.getByLabel('Text', { exact: true });
  await expect(text).toHaveValue('von dort: äöü €');
  await page.getByRole('button', { name: 'Copy to this computer' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('von dort: äöü €');
  await text.fill('from here: → Ł');
  await page.getByRole('button', { name: 'Send to the desktop' }).click();
  await expect.poll(() => remote.clipboard()).toBe('from here: → Ł');
});

test('a paste by keyboard brings the text of this computer along', { tag: '@desktop' }, async ({
  desktop,
  remote,
  heard,
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate(() => navigator.clipboard.writeText('brought along'));
  await desktop.focus();
  await page.keyboard.press('Control+v');
  await arrives(heard, '\x16');
  await expect.poll(() => remote.clipboard()).toBe('brought along');
});

test('s43 a desktop that is only looked at learns nothing of clipboards', async ({
  desktop,
  remote,
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await remote.copy('theirs');
  await desktop.showBar();
  await page.getByRole('button', { name: 'Clipboard', exact: true }).click();
  await expect(page.getByLabel('Text', { exact: true })).toHaveValue('');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
  expect(await remote.clipboard()).toBe('theirs');
  // The first thing that is done there joins them.
  await page.keyboard.press('Escape');
  await desktop.picture.click();
  await desktop.showBar();
  await page.getByRole('button', { name: 'Clipboard', exact: true }).click();
  await expect(page.getByLabel('Text', { exact: true })).toHaveValue('theirs');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
});
