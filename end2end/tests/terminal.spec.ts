// A terminal that the server cannot read: SSH between the browser and the device.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, test as base } from '../stage/test.ts';
import { Terminal } from '../stage/pages/terminal.ts';

const PUMP = 0;
/** Its SSH server has an RSA key alone. */
const GATE = 1;
/** Its agent reports no host keys. */
const PRESS = 2;

const test = base.extend<{ terminal: Terminal }>({
  terminal: async ({ page, demo, devices }, use) => {
    await devices.isShown();
    await use(new Terminal(page, demo));
  },
});

test('a terminal opens from the device list and runs a command', async ({
  demo,
  devices,
  terminal,
}) => {
  const pump = demo.device(PUMP);
  await devices.openTerminal(pump);
  await terminal.submitKey(pump.ssh.user, pump.ssh.private_key);
  await terminal.isReady();
  await terminal.runs('echo $((6 * 7))-is-the-answer', '42-is-the-answer');
  await terminal.runs('exit 3', /$/);
  await expect(terminal.page.getByText('Its exit status was 3.')).toBeVisible();
});

test('the terminal follows the size of the window', async ({ demo, terminal, page }) => {
  await terminal.signIn(demo.device(PUMP));
  const size = async () => {
    await terminal.runs('clear; echo size:$(tput cols)x$(tput lines):', /size:\d+x\d+:/);
    const [, columns, rows] = /size:(\d+)x(\d+):/.exec(await terminal.text()) ?? [];
    return { columns: Number(columns), rows: Number(rows) };
  };
  const before = await size();
  const viewport = page.viewportSize()!;
  await page.setViewportSize({ width: viewport.width - 120, height: viewport.height - 200 });
  await expect(async () => {
    const after = await size();
    expect(after.columns).toBeLessThan(before.columns);
    expect(after.rows).toBeLessThan(before.rows);
  }).toPass({ timeout: 20_000 });
});

test('Ctrl+C ends a flood', async ({ demo, terminal, page }) => {
  await terminal.signIn(demo.device(PUMP));
  await terminal.type('yes flood');
  await expect(terminal.screen).toContainText('flood\n'.trim());
  const began = Date.now();
  await terminal.focus();
  await page.keyboard.press('Control+c');
  await terminal.runs('echo after-$((40 + 2))', 'after-42');
  test.info().annotations.push({ type: 'ms', description: String(Date.now() - began) });
});

test('100 MB of output leave the page responsive', async ({ demo, terminal, page }) => {
  test.setTimeout(240_000);
  await terminal.signIn(demo.device(PUMP));
  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(globalThis, { longTasks: tasks });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) tasks.push(entry.duration);
    }).observe({ entryTypes: ['longtask'] });
  });
  const began = Date.now();
  const line = 'the quick brown fox jumps over the lazy dog 0123456789';
  await terminal.type(`yes '${line}' | head -c 100000000; echo end-of-$((50 * 2))-MB`);
  await expect(terminal.screen).toContainText('end-of-100-MB', { timeout: 200_000 });
  const seconds = (Date.now() - began) / 1000;
  const tasks = await page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks);
  const longest = Math.max(0, ...tasks);
  console.log(
    `100 MB in ${seconds.toFixed(1)} s, ${tasks.length} long tasks, the longest ${longest.toFixed(0)} ms`,
  );
  // A machine with two cores draws, decrypts and serves all at once; a page that hangs is seconds.
  expect(longest, 'the page was frozen').toBeLessThan(1000);
});

test('a wrong password is refused beside the field', async ({ demo, terminal, page }) => {
  const pump = demo.device(PUMP);
  await terminal.open(pump);
  await terminal.submitPassword(pump.ssh.user, 'not this one');
  await expect(page.getByText('The device refused this user name or password.')).toBeVisible();
  await terminal.submitKey(pump.ssh.user, pump.ssh.private_key);
  await terminal.isReady();
});

test('s42 another host key than the reported one is a hard stop', async ({
  demo,
  terminal,
  page,
}) => {
  const pump = demo.device(PUMP);
  await demo.changeHostKeys(PUMP);
  try {
    await terminal.open(pump);
    await terminal.submitKey(pump.ssh.user, pump.ssh.private_key);
    await expect(
      page.getByRole('heading', { name: 'Stopped: this is not the key that is known' }),
    ).toBeVisible();
    await expect(page.getByText(/SHA256:/)).toHaveCount(3);
    await expect(page.getByRole('button', { name: /again|trust/i })).toHaveCount(0);
  } finally {
    // The agent reports the keys of now when it starts.
    await demo.stopDevice(PUMP);
    await demo.startDevice(PUMP);
  }
});

test('an SSH server with an RSA key alone is spoken to', async ({ demo, terminal }) => {
  await terminal.signIn(demo.device(GATE));
  await terminal.runs('echo $((6 * 7))-by-RSA', '42-by-RSA');
});

test('s42 a host key that nobody reports is asked about once', async ({ demo, terminal, page }) => {
  const press = demo.device(PRESS);
  await terminal.open(press);
  await terminal.submitKey(press.ssh.user, press.ssh.private_key);
  await expect(page.getByText(/SHA256:/)).toBeVisible();
  await page.getByRole('button', { name: 'It is the same: trust it' }).click();
  await terminal.isReady();

  await page.reload();
  await terminal.submitKey(press.ssh.user, press.ssh.private_key);
  await terminal.isReady();

  // Forgotten, it is asked about again.
  await page.goto(`${demo.url}/devices/${press.id}`);
  await page.getByRole('button', { name: 'Forget the SSH key of ssh that this browser trusts' }).click();
  await terminal.open(press);
  await terminal.submitKey(press.ssh.user, press.ssh.private_key);
  await expect(page.getByText(/SHA256:/)).toBeVisible();
});

test('disconnecting ends the shell and what runs in it', async ({ demo, terminal, page }) => {
  await terminal.signIn(demo.device(PUMP));
  const mark = `86${Date.now() % 10_000}`;
  await terminal.type(`echo shell-$((6 * 7)); sleep ${mark}`);
  await expect(terminal.screen).toContainText('shell-42');
  const runs = () => isRunning(`sleep ${mark}`);
  await expect.poll(runs).toBe(true);
  const handle = page.getByRole('button', { name: 'Show the bar' });
  if (await handle.isVisible()) await handle.click();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Disconnect' }).click();
  await expect(terminal.userName).toBeVisible();
  await expect.poll(runs).toBe(false);
});

/** Whether this machine runs a program with these words: the demo's devices are all on it. */
async function isRunning(words: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
  return stdout.split('\n').includes(words);
}

test.describe('when the right ends', () => {
  test.use({ expectedErrors: /401|WebSocket|ERR_/ });

  test('s34 signing out cuts the terminal within a second', async ({ demo, terminal, page }) => {
    await terminal.signIn(demo.device(PUMP));
    await page.evaluate(() => fetch('/api/v1/sign-out', { method: 'POST' }));
    const began = Date.now();
    // Whichever is told first: the session's end, or that nobody is signed in.
    await expect(page.getByText(/has ended|Sign in to Adit|Enter your user name/).first()).toBeVisible({
      timeout: 1_000,
    });
    test.info().annotations.push({ type: 'ms', description: String(Date.now() - began) });
  });
});

test.describe('when the device is lost', () => {
  test.use({ expectedErrors: /WebSocket|ERR_/ });

  test('a device that goes offline in the middle is shown, and can be opened again', async ({
    demo,
    terminal,
    page,
  }) => {
    await terminal.signIn(demo.device(PUMP));
    await demo.stopDevice(PUMP);
    // The stream waits for the agent to come again; this one comes as a new process and knows
    // nothing of it.
    await demo.startDevice(PUMP);
    await expect(page.getByText(/lost its connection|went offline/).first()).toBeVisible();
    await page.getByRole('button', { name: /again/i }).first().click({ timeout: 30_000 });
    const pump = demo.device(PUMP);
    await terminal.submitKey(pump.ssh.user, pump.ssh.private_key);
    await terminal.isReady();
  });
});

test('what is found by the search is marked', { tag: '@desktop' }, async ({ demo, terminal, page }) => {
  await terminal.signIn(demo.device(PUMP));
  await terminal.runs('for n in 1 2 3; do echo needle-$((n * 111)); done', 'needle-333');
  await page.getByRole('button', { name: 'Search in the terminal' }).click();
  const search = page.getByRole('searchbox', { name: 'Search in the terminal' });
  await search.fill('needle-222');
  await search.press('Enter');
  await expect(page.locator('.xterm-selection div')).not.toHaveCount(0);
  await expect(page.getByText('Not found')).toBeHidden();
  await search.fill('needle-444');
  await search.press('Enter');
  await expect(page.getByText('Not found')).toBeVisible();
});

test('copy and paste by keyboard', { tag: '@desktop' }, async ({ demo, terminal, page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await terminal.signIn(demo.device(PUMP));
  await page.evaluate(() => navigator.clipboard.writeText('echo pasted-$((6 * 7))'));
  await terminal.focus();
  await page.keyboard.press('Control+Shift+V');
  await page.keyboard.press('Enter');
  await expect(terminal.screen).toContainText('pasted-42');
  // A double click takes a word.
  const word = await terminal.screen.getByText('pasted-42', { exact: true }).last().boundingBox();
  await page.mouse.dblclick(word!.x + 5, word!.y + word!.height / 2);
  await page.keyboard.press('Control+Shift+C');
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toContain('pasted-42');
});

test('s43 escape sequences reach neither clipboard nor shell', async ({
  demo,
  terminal,
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await terminal.signIn(demo.device(PUMP));
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  // OSC 52 writes the clipboard, OSC 0 names the window, CSI 21 t would have its name typed.
  await terminal.runs(
    String.raw`printf '\033]52;c;c3RvbGVu\007\033]0;rm -rf\007\033[21t'; echo; echo safe-$((6 * 7))`,
    'safe-42',
  );
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
  await terminal.runs('echo still-$((6 * 7))', 'still-42');
  expect(await terminal.text()).not.toMatch(/[lL]rm -rf/);
});

test('the key row types what phones lack', { tag: '@phone' }, async ({ demo, terminal, page }) => {
  await terminal.signIn(demo.device(PUMP));
  await terminal.type('sleep 600');
  const keys = page.getByRole('toolbar', { name: 'Keys' });
  await keys.getByRole('button', { name: 'Ctrl' }).tap();
  await page.keyboard.press('c');
  await terminal.runs('echo woken-$((6 * 7))', 'woken-42');
  await keys.getByRole('button', { name: /up/i }).tap();
  await expect(terminal.screen).toContainText(/woken-\$[^]*woken-\$/);
});
