// What every story gets: a demo, pages, and a watch over errors in the browser's console.
import { test as base, expect, type BrowserContext, type ConsoleMessage } from '@playwright/test';

import { Demo, type Layout } from './demo.ts';
import { DeviceList } from './pages/device-list.ts';
import { SignIn } from './pages/sign-in.ts';

interface Options {
  /** Errors that the story provokes; all others fail it. (A list would be read as an option with
   * settings of its own.) */
  expectedErrors: RegExp;
}

interface Fixtures {
  consoleErrors: string[];
  signIn: SignIn;
  /** The device list, signed in. */
  devices: DeviceList;
}

interface WorkerFixtures {
  layout: Layout;
  demo: Demo;
}

export const test = base.extend<Options & Fixtures, WorkerFixtures>({
  layout: ['localhost', { option: true, scope: 'worker' }],

  demo: [
    async ({ layout }, use) => {
      const demo = await Demo.start(3, layout);
      await use(demo);
      await demo.end();
    },
    { scope: 'worker', timeout: 90_000 },
  ],

  expectedErrors: [/(?!)/, { option: true }],

  consoleErrors: [
    async ({ context, expectedErrors }, use) => {
      const errors = watchErrors(context);
      await use(errors);
      const unexpected = errors.filter((text) => !expectedErrors.test(text));
      expect(unexpected, 'errors in the console').toEqual([]);
    },
    { auto: true },
  ],

  signIn: async ({ page, demo }, use) => {
    await use(new SignIn(page, demo));
  },

  devices: async ({ page, demo, signIn }, use) => {
    await signIn.open();
    await signIn.submit(demo.username, demo.password);
    const devices = new DeviceList(page, demo);
    await devices.isShown();
    await use(devices);
  },
});

export { expect };

/** The console's errors and uncaught exceptions of every page, as they come. */
function watchErrors(context: BrowserContext): string[] {
  const errors: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error' && !isQuestion(message)) {
      errors.push(`${message.text()} (${message.location().url})`);
    }
  });
  context.on('weberror', (error) => errors.push(String(error.error())));
  return errors;
}

/** "Is anybody signed in?" is answered by a 401, which Chromium notes as an error. */
function isQuestion(message: ConsoleMessage): boolean {
  return message.text().includes('401') && message.location().url.endsWith('/api/v1/me');
}
