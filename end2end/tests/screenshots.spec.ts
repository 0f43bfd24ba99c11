// Pictures of every page, to be looked at: `npm run screenshots`. They end in `screenshots/`.
import { expect, test } from '../stage/test.ts';
import { Desktop } from '../stage/pages/desktop.ts';
import { Terminal } from '../stage/pages/terminal.ts';

const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(`${size} ${colorScheme}`, { tag: '@screenshots' }, () => {
      test.use({ viewport, colorScheme });

      test(`pictures, ${size} ${colorScheme}`, async ({ page, demo, signIn }, info) => {
        const picture = (name: string) =>
          page.screenshot({
            path: `screenshots/${info.project.name}-${size}-${colorScheme}-${name}.png`,
          });
        await signIn.open();
        await picture('sign-in');
        await signIn.submit(demo.username, demo.password);
        const pages = {
          devices: '/',
          device: `/devices/${demo.device(0).id}`,
          'add-device': '/add-device',
          settings: '/settings',
        };
        await expect(page.getByRole('heading', { level: 1, name: 'Devices' })).toBeVisible();
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(`${demo.url}${path}`);
          await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
          await page.evaluate(() => document.fonts.ready);
          await picture(name);
        }
        const terminal = new Terminal(page, demo);
        const pump = demo.device(0);
        await terminal.open(pump);
        await picture('terminal-sign-in');
        await terminal.submitKey(pump.ssh.user, pump.ssh.private_key);
        await terminal.isReady();
        await terminal.runs('ls --color=always -l /; echo listed-$((1 + 1))', 'listed-2');
        await picture('terminal');
        const desktop = new Desktop(page, demo);
        await desktop.open(pump);
        await expect(desktop.password).toBeVisible();
        await picture('desktop-password');
        await desktop.submit(pump.desktop.password);
        await desktop.isShown();
        await picture('desktop');
        await desktop.showBar();
        await page.getByRole('button', { name: 'Clipboard', exact: true }).click();
        await picture('desktop-clipboard');
      });
    });
  }
}
