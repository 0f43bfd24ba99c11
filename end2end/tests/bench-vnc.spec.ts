// How fast a desktop is drawn, beside noVNC: `cargo xtask bench vnc`. Both come through the same
// tunnel: ours as a service, noVNC as the page of the device. noVNC without a tunnel is told too.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

import config from '../playwright.config.ts';
import { BareBrowser, type BarePage } from '../stage/bare-browser.ts';
import { NoVnc } from '../stage/novnc.ts';
import { OwnDevice } from '../stage/own-device.ts';
import { RfbTap } from '../stage/rfb-tap.ts';
import { Screen } from '../stage/screen.ts';
import { expect, test } from '../stage/test.ts';
import { endWorker, refresh, sentBytes, startWorker, timeFrames } from '../stage/vnc-worker.ts';

/** Ours and noVNC by turns. */
const ROUNDS = 8;
const WARM_UP = 5;
const FRAMES = 12;
/** Of the desktop that nothing happens on. */
const IDLE_S = Number(process.env.BENCH_IDLE_S ?? '60');
/** In ten minutes; the figure. */
const IDLE_MUST_BYTES = 10_000;

const RAW = 0;
const TIGHT = 7;
const ZRLE = 16;
/** What both say beside the encoding: a pointer's picture, sizes, the last rectangle, a name, locks,
 * fences, compression 2; as `set_encodings` of `remote/vnc` has them. */
const COMMON = [-239, -308, -223, -224, -307, -261, -312, -254];
/** What noVNC does not speak, and no pixels come by: pointers with alpha, the larger clipboard. */
const OURS_ALONE = [-314, 0xc0a1e5ce | 0];
const JPEG_HIGH = -24;
/** What is measured, by its name. */
const ONLY = new RegExp(process.env.BENCH_ONLY ?? '');

const KINDS: { name: string; encoding: number; quality: 'lossless' | 'high'; must: number | null }[] = [
  { name: 'Raw', encoding: RAW, quality: 'lossless', must: 1 },
  { name: 'Tight', encoding: TIGHT, quality: 'lossless', must: 1 },
  { name: 'ZRLE', encoding: ZRLE, quality: 'lossless', must: 1 },
  { name: 'Tight JPEG', encoding: TIGHT, quality: 'high', must: null },
];

const CONTENTS: { name: string; show: (screen: Screen) => Promise<void> | void }[] = [
  { name: 'text', show: (screen) => screen.showText() },
  { name: 'photo', show: (screen) => screen.showPhoto() },
  { name: 'moving', show: (screen) => screen.showMotion() },
];

interface Row {
  name: string;
  value: number;
  unit: string;
  better: 'lower' | 'higher';
  must: number | null;
  aim: number | null;
}

/** One viewer of the two, on one content in one encoding. */
class Measured {
  readonly opened_ms: number[] = [];
  readonly frames_ms: number[] = [];
  private bytes = 0;
  private count = 0;

  constructor(readonly tap: RfbTap) {}

  async round(open: () => Promise<number>, frames: (count: number) => Promise<number[]>): Promise<void> {
    this.opened_ms.push(await open());
    await this.tap.letWholeAlone();
    const before = this.tap.receivedBytes;
    const times = await frames(WARM_UP + FRAMES);
    this.bytes += this.tap.receivedBytes - before;
    this.count += times.length;
    this.frames_ms.push(...times.slice(WARM_UP));
  }

  get kB(): number {
    return this.bytes / this.count / 1000;
  }
}

test.use({ trace: 'off' });

test('frames beside noVNC', { tag: ['@bench', '@desktop'] }, async ({ demo, devices, context }) => {
  test.setTimeout((1500 + IDLE_S) * 1000);
  const rows: Row[] = [];
  const note = (name: string, value: number, unit: string, must: number | null = null, aim: number | null = null) =>
    rows.push({ name: `vnc ${name}`, value, unit, better: 'lower', must, aim });
  const { executablePath, args } = config.use!.launchOptions!;
  const browser = await BareBrowser.start(executablePath!, args!);
  await browser.signInAs(await context.cookies());
  const [page, other] = [await browser.newPage(), await browser.newPage()];
  await page.goto(new URL('/', demo.url).href);
  const novnc = await NoVnc.start();
  try {
    console.log(`load ${load()}`);
    line('', 'ms', 'p90', 'noVNC', 'p90', 'ratio', 'kB', 'noVNC', 'open', 'noVNC', 'direct', 'ratio');
    for (const { name: content, show } of CONTENTS) {
      const screen = await Screen.start({ size: [1280, 720] });
      const [forUs, forNoVnc] = [await RfbTap.start(screen.port), await RfbTap.start(screen.port)];
      const services = [
        { name: 'screen', kind: 'vnc' as const, port: forUs.port },
        { name: 'novnc', kind: 'web' as const, port: novnc.port },
      ];
      const device = await OwnDevice.enrol(devices, demo, `Measured ${content}`, services);
      await show(screen);
      for (const { name, encoding, quality, must } of KINDS) {
        if (!ONLY.test(`${content} ${name}`)) continue;
        const [ours, theirs] = [new Measured(forUs), new Measured(forNoVnc)];
        const direct = new Measured(forNoVnc);
        const list = [encoding, ...COMMON, ...(quality === 'high' ? [JPEG_HIGH] : [])];
        for (let round = 0; round < ROUNDS; round++) {
          await page.bringToFront();
          const about = { deviceId: device.id, service: 'screen', quality, encodings: [encoding] };
          await ours.round(() => startWorker(page, about), (count) => timeFrames(page, count));
          expect([...(await refresh(page)).keys()], 'what came to us').toEqual([encoding]);
          await endWorker(page);

          await other.bringToFront();
          for (const [measured, at] of [[theirs, device.pageUrl!], [direct, novnc.url]] as const) {
            if (at === device.pageUrl) await intend(page, device.id, 'novnc');
            const open = () => novnc.open(other, at, forNoVnc.port, list);
            await measured.round(open, (count) => novnc.timeFrames(other, count));
            expect([...(await novnc.rectangles(other)).keys()], 'what came to noVNC').toEqual([encoding]);
            await novnc.close(other);
          }
          const asked = forUs.encodings.filter((each) => !OURS_ALONE.includes(each));
          expect(asked, 'what was asked for').toEqual(forNoVnc.encodings);
        }
        const what = `${content} ${name}`;
        const half = (values: number[]) => quantile(values, 0.5);
        const most = (values: number[]) => quantile(values, 0.9);
        const ratio = half(ours.frames_ms) / half(theirs.frames_ms);
        note(what, half(ours.frames_ms), 'ms/frame');
        note(`${what} p90`, most(ours.frames_ms), 'ms/frame');
        note(`${what} novnc`, half(theirs.frames_ms), 'ms/frame');
        note(`${what} novnc p90`, most(theirs.frames_ms), 'ms/frame');
        note(`${what} ratio`, ratio, 'x noVNC', must, 0.7);
        note(`${what} size`, ours.kB, 'kB/frame');
        note(`${what} novnc size`, theirs.kB, 'kB/frame');
        note(`${what} open`, half(ours.opened_ms), 'ms');
        note(`${what} novnc open`, half(theirs.opened_ms), 'ms');
        note(`${what} direct novnc`, half(direct.frames_ms), 'ms/frame');
        note(`${what} direct ratio`, half(ours.frames_ms) / half(direct.frames_ms), 'x noVNC');
        line(what, ...rows.slice(-11).map(({ value, unit }) => value.toFixed(unit.startsWith('x') ? 2 : 1)));
        // The same levels give the same bytes, if nothing moves.
        if (content !== 'moving') expect(ours.kB / theirs.kB, 'bytes').toBeCloseTo(1, 1);
      }
      await device.end();
      forUs.end();
      forNoVnc.end();
      await screen.end();
    }
    const sizeOf = (name: string) => rows.find((row) => row.name === `vnc ${name} size`)?.value;
    const [lossy, lossless] = [sizeOf('photo Tight JPEG'), sizeOf('photo Tight')];
    if (lossy && lossless) expect(lossy, 'JPEGs came').toBeLessThan(lossless / 2);
    note(`idle ${IDLE_S} s`, await idleBytes(), 'B sent', (IDLE_MUST_BYTES * IDLE_S) / 600);
    line(rows.at(-1)!.name, `${rows.at(-1)!.value} B`);
    console.log(`load ${load()}`);
  } finally {
    novnc.end();
    await browser.end();
    if (process.env.BENCH_JSON) writeFileSync(process.env.BENCH_JSON, JSON.stringify(rows, null, 2));
  }
  const missed = rows.filter(({ value, must }) => must !== null && value > must);
  expect(missed.map(({ name, value }) => `${name} ${value.toFixed(2)}`)).toEqual([]);

  /** What a desktop that nothing happens on costs upstream, once it is drawn. */
  async function idleBytes(): Promise<number> {
    const screen = await Screen.start({ size: [1280, 720] });
    const services = [{ name: 'screen', kind: 'vnc' as const, port: screen.port }];
    const device = await OwnDevice.enrol(devices, demo, 'Idle', services);
    try {
      await page.bringToFront();
      await screen.showPhoto();
      const about = { deviceId: device.id, service: 'screen', encodings: [TIGHT] };
      await startWorker(page, { ...about, quality: 'high' });
      await wait(10_000);
      const before = await sentBytes(page);
      await wait(IDLE_S * 1000);
      const sent = (await sentBytes(page)) - before;
      expect(before, 'it asked for a picture').toBeGreaterThan(0);
      expect((await refresh(page)).get(TIGHT), 'and would again').toBeGreaterThan(0);
      return sent;
    } finally {
      await device.end();
      await screen.end();
    }
  }
});

/** As the app does before it opens a page of a device. */
async function intend(page: BarePage, deviceId: string, service: string): Promise<void> {
  const path = `/api/v1/devices/${deviceId}/services/${service}/launch`;
  const status = await page.evaluate(async (path) => (await fetch(path, { method: 'POST' })).status, path);
  expect(status).toBe(200);
}

function line(name: string, ...cells: string[]): void {
  console.log(name.padEnd(18) + cells.map((cell) => cell.padStart(9)).join(''));
}

function load(): string {
  return loadavg().map((each) => each.toFixed(1)).join(' ');
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
