// How fast a terminal is: `cargo xtask bench ssh`.
import { writeFileSync } from 'node:fs';

import { expect, test } from '../stage/test.ts';
import { Terminal } from '../stage/pages/terminal.ts';

const KEYSTROKES = 200;
const CAT_BYTES = 32 * 1024 * 1024;

interface Row {
  name: string;
  value: number;
  unit: string;
  better: 'lower' | 'higher';
  must: number | null;
  aim: number | null;
}

test('keystrokes and a large file', { tag: ['@bench', '@desktop'] }, async ({ demo, devices, page }) => {
  test.setTimeout(240_000);
  await devices.isShown();
  const terminal = new Terminal(page, demo);
  await terminal.signIn(demo.device(0));
  const glyphs = await keystrokes(terminal);

  await terminal.runs('clear; echo ready-$((1 + 1))', 'ready-2');
  const began = performance.now();
  await terminal.type(`head -c ${CAT_BYTES} /dev/urandom | base64 | head -c ${CAT_BYTES}; echo; echo end-$((50 * 2))`);
  await expect(terminal.screen).toContainText('end-100', { timeout: 200_000 });
  const cat_s = (performance.now() - began) / 1000;

  const row = (name: string, value: number, unit: string, better: Row['better']): Row => ({
    name,
    value,
    unit,
    better,
    must: null,
    aim: null,
  });
  const rows = [
    row('ssh keystroke to glyph p50', quantile(glyphs, 0.5), 'ms', 'lower'),
    row('ssh keystroke to glyph p99', quantile(glyphs, 0.99), 'ms', 'lower'),
    row('ssh cat 32 MB', CAT_BYTES / 1e6 / cat_s, 'MB/s', 'higher'),
  ];
  for (const { name, value, unit } of rows) {
    console.log(`${name.padEnd(34)} ${value.toFixed(2).padStart(9)} ${unit}`);
  }
  if (process.env.BENCH_JSON) writeFileSync(process.env.BENCH_JSON, JSON.stringify(rows, null, 2));
});

/** From the key's event to the frame in which its letter stands on the screen, in ms. */
async function keystrokes(terminal: Terminal): Promise<number[]> {
  await terminal.runs('clear; cat > /dev/null', /cat/);
  await terminal.page.evaluate(() => {
    const state = { began: 0, times: [] as number[] };
    Object.assign(globalThis, { keystrokes: state });
    addEventListener('keydown', (event) => (state.began = event.timeStamp), { capture: true });
    new MutationObserver(() => {
      const { began } = state;
      if (began === 0) return;
      state.began = 0;
      requestAnimationFrame(() => state.times.push(performance.now() - began));
    }).observe(document.querySelector('.xterm-rows')!, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  await terminal.focus();
  const count = () =>
    terminal.page.evaluate(
      () => (globalThis as unknown as { keystrokes: { times: number[] } }).keystrokes.times,
    );
  for (let done = 0; done < KEYSTROKES; done++) {
    await terminal.page.keyboard.press(String.fromCharCode(97 + (done % 26)));
    await expect.poll(async () => (await count()).length, { intervals: [20] }).toBeGreaterThan(done);
  }
  const times = await count();
  await terminal.page.keyboard.press('Control+c');
  await terminal.isReady();
  return times;
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
