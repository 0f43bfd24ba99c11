// A terminal on a device whose SSH server is Dropbear, signed in to with a password.
import { Agent } from '../stage/agent.ts';
import { Dropbear } from '../stage/dropbear.ts';
import { Terminal } from '../stage/pages/terminal.ts';
import { expect, test } from '../stage/test.ts';

test('a password opens a terminal on Dropbear', async ({ demo, devices, page }) => {
  await devices.isShown();
  const installKey = await page.evaluate(async () => {
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify({ name: 'dropbear' }) };
    const answer = await fetch('/api/v1/install-keys', request);
    return (await answer.json()).secret as string;
  });
  const dropbear = await Dropbear.start();
  let agent: Agent | undefined;
  try {
    const name = `Router ${test.info().project.name}`;
    const configuration = [
      `ssh_host_key_files = ["${dropbear.hostKeyFile}"]`,
      '[[service]]',
      'name = "shell"',
      'kind = "ssh"',
      `port = ${dropbear.port}`,
    ];
    agent = await Agent.enrol(demo.url, installKey, name, `${configuration.join('\n')}\n`);
    agent.run();
    await devices.open();
    const link = page.getByRole('link', { name: `Open shell of ${name}`, exact: true });
    await link.click({ timeout: 30_000 });
    const terminal = new Terminal(page, demo);
    await terminal.submitPassword(dropbear.user, dropbear.password);
    await terminal.isReady();
    await terminal.runs('echo $((6 * 7))-on-dropbear', '42-on-dropbear');
    await terminal.runs('exit', /$/);
    await expect(page.getByRole('heading', { name: 'The shell has ended' })).toBeVisible();
  } finally {
    await agent?.end();
    await dropbear.end();
  }
});
