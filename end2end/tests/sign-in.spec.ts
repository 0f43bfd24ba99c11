// Getting in and out.
import { DeviceList } from '../stage/pages/device-list.ts';
import { expect, test } from '../stage/test.ts';

test('signs in and out', async ({ page, demo, signIn }) => {
  await signIn.open();
  await signIn.submit(demo.username, demo.password);
  const devices = new DeviceList(page, demo);
  await devices.isShown();

  await page.reload();
  await devices.isShown();

  await devices.signOut();
  await signIn.isShown();
  await page.goto(`${demo.url}/`);
  await signIn.isShown();
});

test.describe('with a wrong password', () => {
  test.use({ expectedErrors: [/401.*\/api\/v1\/sign-in/] });

  test('a wrong password is refused and says so', async ({ page, demo, signIn }) => {
    await signIn.open();
    await signIn.submit(demo.username, 'not-the-password');
    await signIn.isRefused();
    await expect(signIn.username).toHaveValue(demo.username);
    await signIn.submit(demo.username, demo.password);
    await new DeviceList(page, demo).isShown();
  });
});

test('the keyboard alone signs in', async ({ page, demo, signIn }) => {
  await signIn.open();
  await signIn.username.focus();
  await page.keyboard.type(demo.username);
  await signIn.password.focus();
  await page.keyboard.type(demo.password);
  await page.keyboard.press('Enter');
  await new DeviceList(page, demo).isShown();
});
