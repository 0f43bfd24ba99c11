// A terminal that the server cannot read: SSH between the browser and the device.
import { expect, test } from '../stage/test.ts';
import { Terminal } from '../stage/pages/terminal.ts';

test('a terminal runs a command', async ({ demo, devices, page }) => {
  const terminal = new Terminal(page, demo);
  await devices.isShown();
  await terminal.signIn(demo.device(0));
  await terminal.runs('echo $((6 * 7))-is-the-answer', '42-is-the-answer');
});
