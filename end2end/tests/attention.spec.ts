// What somebody should look at.
import type { Agent } from '../stage/agent.ts';
import { OwnDevice } from '../stage/own-device.ts';
import { expect, test } from '../stage/test.ts';

/** The server tells of it at the sixth time that one replaces another. A replaced agent stays away
 * for a minute or two, so that two alone would take ten; these come all at once. */
const COPIES = 7;

const WHAT = "Two agents use this device's key";

test('two agents with one key are told of in the list and on the page', async ({
  page,
  demo,
  devices,
}, info) => {
  const name = `Copied ${info.project.name}`;
  const copies: Agent[] = [];
  const device = await OwnDevice.enrol(devices, demo, name, []);
  try {
    await devices.open();
    const row = page.getByRole('listitem').filter({ hasText: name });
    await expect(row).not.toContainText(WHAT);
    for (let made = 0; made < COPIES; made += 1) copies.push(await device.copyAgent());
    // No reload: the list follows.
    await expect(row).toContainText(WHAT, { timeout: 30_000 });
    await row.getByRole('link', { name: WHAT }).click();
    const note = page.getByRole('region', { name: 'Needs attention' });
    await expect(note.getByRole('heading', { name: WHAT })).toBeVisible();
    await expect(note).toContainText('delete its key');
  } finally {
    await Promise.all(copies.map((copy) => copy.end()));
    await device.end();
  }
});
