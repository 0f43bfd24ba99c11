// Signing out ends what runs.
import { expect, test } from '../stage/test.ts';

const WITHIN_MS = 1_000;

test.use({ expectedErrors: [/401/, /WebSocket/, /ERR_/] });

test('sign-out cuts a running download and a WebSocket within 1 s', async ({ demo, devices }) => {
  const panel = await devices.openPanel(demo.device(0));
  const { page } = panel;
  await panel.gaugeMoves();

  // Read slowly, so that it still runs: whatever the size, the reader has taken a little of it.
  await page.evaluate(() => {
    const log = ((globalThis as any).cut = {} as { download?: number; socket?: number });
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live`);
    socket.onclose = () => (log.socket = Date.now());
    void (async () => {
      const answer = await fetch('/history.bin');
      const reader = answer.body!.getReader();
      try {
        for (;;) {
          const { done } = await reader.read();
          if (done) throw new Error('it came to its end');
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      } catch {
        log.download = Date.now();
      }
    })();
  });
  await panel.gaugeMoves();
  expect(await page.evaluate(() => (globalThis as any).cut)).toEqual({});

  const answered = devices.page.waitForResponse((each) => each.url().endsWith('/sign-out'));
  await devices.signOut();
  await answered;
  const signedOut = Date.now();
  await expect
    .poll(() => page.evaluate(() => Object.keys((globalThis as any).cut).sort()))
    .toEqual(['download', 'socket']);
  const cut = await page.evaluate(() => (globalThis as any).cut);
  expect(cut.socket - signedOut).toBeLessThan(WITHIN_MS);
  expect(cut.download - signedOut).toBeLessThan(WITHIN_MS);
});
