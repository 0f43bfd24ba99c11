// How soon the app can be used on a slow machine: `cargo xtask bench app`.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';

import type { Browser, CDPSession } from '@playwright/test';

import { expect, test } from '../stage/test.ts';

const ROUNDS = 8;
/** A phone of some years ago, as Lighthouse tells it. */
const SLOWER = 4;

interface Row {
  name: string;
  value: number;
  unit: string;
  better: 'lower' | 'higher';
  must: number | null;
  aim: number | null;
}

/** One first visit. */
interface Visit {
  usable_ms: number;
  /** Over the wire, heads included, by what it is. */
  bytes: Map<string, number>;
}

/** The cookies that a visit begins with. */
type State = Awaited<ReturnType<import('@playwright/test').BrowserContext['storageState']>>;

test.use({ trace: 'off' });

test('the first screen', { tag: ['@bench', '@desktop'] }, async ({ demo, devices, browser, context }) => {
  test.setTimeout(300_000);
  await devices.isShown();
  const signedIn = await context.storageState();
  const nobody: State = { cookies: [], origins: [] };
  const screens = [
    // The form takes a name and a password.
    { name: 'sign-in', state: nobody, shown: 'input[type=password]' },
    // A device with its state.
    { name: 'device list', state: signedIn, shown: 'main li a[href^="/devices/"]' },
  ];
  const rows: Row[] = [];
  const note = (name: string, value: number, unit: string, must: number | null = null, aim: number | null = null) =>
    rows.push({ name: `app ${name}`, value, unit, better: 'lower', must, aim });
  const load = loadavg()[0]!.toFixed(1);
  for (const { name, state, shown } of screens) {
    const visits: Visit[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      visits.push(await visit(browser, demo.url, state, shown));
    }
    note(`${name} usable p50`, median(visits.map((each) => each.usable_ms)), 'ms');
    note(`${name} usable max`, Math.max(...visits.map((each) => each.usable_ms)), 'ms');
    const bytes = visits[0]!.bytes;
    const kib = (type?: string) =>
      [...bytes].reduce((sum, [each, size]) => (type === undefined || each === type ? sum + size : sum), 0) / 1024;
    expect(kib('wasm'), 'the app is wasm').toBeGreaterThan(0);
    note(`${name} wasm`, kib('wasm'), 'KiB', 400, 250);
    note(`${name} all`, kib(), 'KiB');
  }
  for (const { name, value, unit } of rows) {
    console.log(`${name.padEnd(34)} ${value.toFixed(1).padStart(9)} ${unit}`);
  }
  console.log(`load ${load} before, ${loadavg()[0]!.toFixed(1)} after`);
  if (process.env.BENCH_JSON) writeFileSync(process.env.BENCH_JSON, JSON.stringify(rows, null, 2));
  for (const { name, value, must } of rows) {
    if (must !== null) expect(value, name).toBeLessThanOrEqual(must);
  }
});

/** In a browser that has seen nothing: from the begin of the navigation until what is `shown` is
 * there and the page has nothing else to do. */
async function visit(browser: Browser, url: string, state: State, shown: string): Promise<Visit> {
  const context = await browser.newContext({ storageState: state });
  try {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
    const bytes = await countBytes(cdp);
    await page.addInitScript((selector) => {
      const look = () => {
        if (document.querySelector(selector) === null) return;
        observer.disconnect();
        // After the frame that shows it, and what is queued before it.
        requestAnimationFrame(() =>
          requestIdleCallback(() => Object.assign(globalThis, { usable_ms: performance.now() })),
        );
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { childList: true, subtree: true });
    }, shown);
    await page.goto(url);
    const usable = await page.waitForFunction(
      () => (globalThis as unknown as { usable_ms?: number }).usable_ms,
      undefined,
      { timeout: 30_000 },
    );
    const usable_ms = (await usable.jsonValue())!;
    await page.waitForLoadState('networkidle');
    return { usable_ms, bytes };
  } finally {
    await context.close();
  }
}

/** Fills as answers end. */
async function countBytes(cdp: CDPSession): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  const types = new Map<string, string>();
  cdp.on('Network.responseReceived', ({ requestId, type, response }) => {
    types.set(requestId, response.mimeType === 'application/wasm' ? 'wasm' : type);
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const type = types.get(requestId) ?? 'other';
    bytes.set(type, (bytes.get(type) ?? 0) + encodedDataLength);
  });
  await cdp.send('Network.enable');
  return bytes;
}

function median(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
