// From an empty server to the first device.
import { Agent } from '../stage/agent.ts';
import { Demo } from '../stage/demo.ts';
import { DeviceList } from '../stage/pages/device-list.ts';
import { SignIn } from '../stage/pages/sign-in.ts';
import { expect, test } from '../stage/test.ts';

test('enrols a device from an empty server', async ({ page }) => {
  const demo = await Demo.start(0);
  let agent: Agent | undefined;
  try {
    const signIn = new SignIn(page, demo);
    await signIn.open();
    await signIn.submit(demo.username, demo.password);
    await new DeviceList(page, demo).isShown();

    await page.goto(`${demo.url}/add-device`);
    await page.getByRole('button', { name: 'Make key' }).click();
    const command = page.locator('pre', { hasText: 'adit-agent enroll' });
    const text = (await command.textContent()) ?? '';
    const key = /--key (\S+)/.exec(text)?.[1];
    expect(key, 'the command holds an install key').toBeTruthy();
    expect(text).toContain(`--server ${demo.url}`);

    agent = await Agent.enrol(demo.url, key ?? '', 'Weather station');
    agent.run();
    await expect(page.getByText('Weather station').first()).toBeVisible();
    await page.goto(`${demo.url}/`);
    const row = page.getByRole('listitem').filter({ hasText: 'Weather station' });
    await expect(row).toContainText('Online');
  } finally {
    // First: a page that outlives its server notes that as an error.
    await page.close();
    await agent?.end();
    await demo.end();
  }
});
