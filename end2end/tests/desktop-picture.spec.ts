// What a desktop shows is what the page draws, pixel by pixel, in each encoding.
import { OwnDevice } from '../stage/own-device.ts';
import { Screen, type Pixels } from '../stage/screen.ts';
import { expect, test } from '../stage/test.ts';
import { drawn, endWorker, refresh, startWorker } from '../stage/vnc-worker.ts';

const COPY_RECT = 1;
const LAST_RECT = -224;
const TIGHT = 7;

const LOSSLESS: [string, number][] = [
  ['Raw', 0],
  ['Hextile', 5],
  ['Tight', TIGHT],
  ['ZRLE', 16],
];

/** How far two pictures are from each other: pixels that differ, and the mean difference. */
function difference(one: Pixels, other: Pixels): { pixels: number; mean: number } {
  expect([one.width, one.height]).toEqual([other.width, other.height]);
  let [pixels, sum] = [0, 0];
  for (let at = 0; at < one.rgb.length; at += 3) {
    let apart = 0;
    for (let part = at; part < at + 3; part++) apart += Math.abs(one.rgb[part]! - other.rgb[part]!);
    if (apart > 0) pixels += 1;
    sum += apart;
  }
  return { pixels, mean: sum / one.rgb.length };
}

test('every encoding draws what the desktop shows', { tag: '@desktop' }, async ({ demo, devices, page }) => {
  test.setTimeout(180_000);
  const screen = await Screen.start();
  const services = [{ name: 'screen', kind: 'vnc' as const, port: screen.port }];
  const device = await OwnDevice.enrol(devices, demo, 'Pictured', services);
  const open = (encodings: number[], quality: 'lossless' | 'high') =>
    startWorker(page, { deviceId: device.id, service: 'screen', quality, encodings });
  const agrees = (most: { pixels: number; mean: number }) =>
    expect(async () => {
      const apart = difference(await drawn(page), await screen.pixels());
      expect(apart.pixels).toBeLessThanOrEqual(most.pixels);
      expect(apart.mean).toBeLessThanOrEqual(most.mean);
    }).toPass({ timeout: 20_000 });
  try {
    await screen.showPhoto();
    screen.start('xterm', '-geometry', '60x12+40+40', '-e', 'sh', '-c', 'ls -l /usr/bin | head -10; sleep 999');
    for (const [name, encoding] of LOSSLESS) {
      await test.step(name, async () => {
        await open([encoding, LAST_RECT], 'lossless');
        const came = await refresh(page);
        expect(came.get(encoding) ?? 0, `rectangles in ${name} of ${JSON.stringify([...came])}`).toBeGreaterThan(0);
        await agrees({ pixels: 0, mean: 0 });
        await endWorker(page);
      });
    }
    await test.step('Tight with JPEG', async () => {
      await open([TIGHT, LAST_RECT], 'high');
      await refresh(page);
      // Noise is what JPEG leaves out; it stays a picture of the same thing.
      const apart = difference(await drawn(page), await screen.pixels());
      expect(apart.pixels, 'it is not lossless').toBeGreaterThan(1000);
      expect(apart.mean).toBeLessThan(6);
      await endWorker(page);
    });
    await test.step('CopyRect', async () => {
      await open([COPY_RECT, 0, LAST_RECT], 'lossless');
      const script = 'for line in $(seq 1 60); do echo line $line; sleep 0.1; done; sleep 999';
      screen.start('xterm', '-geometry', '80x20+20+20', '-e', 'sh', '-c', script);
      // What scrolls is copied.
      await expect
        .poll(async () => (await refresh(page)).get(COPY_RECT) ?? 0, { timeout: 20_000 })
        .toBeGreaterThan(0);
      await agrees({ pixels: 0, mean: 0 });
      await endWorker(page);
    });
  } finally {
    await device.end();
    await screen.end();
  }
});
