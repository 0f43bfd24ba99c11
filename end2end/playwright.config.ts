// Every story runs on a desktop and on a phone.
import { defineConfig, devices } from '@playwright/test';

// What is run by itself: pictures to be looked at, measurements.
const alone = process.env.SCREENSHOTS ? '@screenshots' : process.env.BENCH ? '@bench' : undefined;
const others = alone ? [] : ['@screenshots', '@bench'];

const launchOptions = {
  // Debian's own; nothing is downloaded.
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // The names of the demo's TLS layouts.
    '--host-resolver-rules=MAP adit.test 127.0.0.1, MAP *.adit.test 127.0.0.1, MAP *.adit-devices.test 127.0.0.1',
  ],
};

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results/stories',
  // Each worker has a demo of its own: stories of different files do not meet.
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  retries: 0,
  grep: alone ? new RegExp(alone) : undefined,
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }]],
  use: { launchOptions, screenshot: 'only-on-failure', trace: 'retain-on-failure' },
  projects: [
    {
      name: 'desktop',
      use: { ...devices['Desktop Chrome'] },
      grepInvert: tagged('@phone', ...others),
    },
    { name: 'phone', use: { ...devices['Pixel 7'] }, grepInvert: tagged('@desktop', ...others) },
  ],
});

function tagged(...tags: string[]): RegExp {
  return new RegExp(tags.join('|'));
}
