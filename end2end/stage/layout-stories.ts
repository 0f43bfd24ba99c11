// What must hold whatever names the manager and the devices have. A device page is hostile here: it
// runs scripts of its own at its own origin.
import type { Page } from '@playwright/test';

import { ClickThrough } from './pages/click-through.ts';
import { Panel } from './pages/panel.ts';
import { expect, test } from './test.ts';

/** Everything that a device page might change at the manager, as the manager tells it. */
async function records(page: Page): Promise<unknown> {
  return page.evaluate(async () => {
    const paths = ['me', 'devices', 'install-keys', 'api-tokens'];
    const told = await Promise.all(
      paths.map(async (path) => (await fetch(`/api/v1/${path}`)).json()),
    );
    // What lives changes by itself: round trips and the like.
    return JSON.parse(
      JSON.stringify(told, (key, value) =>
        ['rtt_ms', 'last_seen', 'state_since', 'last_used_at'].includes(key) ? null : value,
      ),
    );
  });
}

export function layoutStories(): void {
  test('the app leads to a device page and its gauge moves', async ({ demo, devices }) => {
    const panel = await devices.openPanel(demo.device(0));
    expect(new URL(panel.page.url()).host).toBe(new URL(demo.device(0).url).host);
    await panel.gaugeMoves();
  });

  test('asked for without sign-in it leads through sign-in to the page', async ({
    page,
    demo,
    signIn,
  }) => {
    await page.goto(`${demo.device(1).url}?from=outside`);
    await signIn.isShown();
    await signIn.submit(demo.username, demo.password);
    await new ClickThrough(page).accept();
    await new Panel(page).isShown(demo.device(1).name);
    expect(new URL(page.url()).search).toBe('?from=outside');
  });

  // SECURITY S01
  test('s01 a device page cannot plant a sign-in', async ({ page, demo, devices, signIn }) => {
    const panel = await devices.openPanel(demo.device(0));
    await devices.signOut();
    await signIn.isShown();
    const domain = new URL(demo.url).hostname;
    await panel.page.evaluate((domain) => {
      const name = '__Host-adit_session';
      for (const cookie of [
        `${name}=evil; Domain=${domain}; Path=/; Secure`,
        `${name}=evil; Domain=${domain}; Path=/api/v1; Secure`,
        `__Host-adit%5Fsession=evil; Domain=${domain}; Path=/; Secure`,
        `__host-adit_session=evil; Domain=${domain}; Path=/; Secure`,
        `${name}=evil; Path=/; Secure`,
        `=${name}=evil; Domain=${domain}; Path=/; Secure`,
      ]) {
        document.cookie = cookie;
      }
    }, domain);
    const answered = page.waitForResponse((each) => each.url().endsWith('/sign-in'));
    await signIn.submit(demo.username, demo.password);
    expect((await answered).ok()).toBe(true);
    await devices.open();
    const me = await page.evaluate(async () => (await fetch('/api/v1/me')).json());
    expect(me.username).toBe(demo.username);
  });

  // SECURITY S03. Cookies of one site are in one jar: no host of it can keep another from filling it.
  test('s03 the manager recovers from a jar full of cookies', async ({
    page,
    demo,
    devices,
    signIn,
    layout,
  }) => {
    test.slow();
    const COUNT = 150;
    const isOneSite = layout === 'same-site';
    const domain = new URL(demo.url).hostname;
    // The first stops the page, the second only what it asks for.
    for (const path of ['/', '/api/v1']) {
      const panel = await devices.openPanel(demo.device(0));
      // What the app asks for by itself would be struck first, and have the jar emptied.
      await page.goto('about:blank');
      await panel.page.evaluate(
        ({ domain, path, count }) => {
          for (let number = 0; number < count; number += 1) {
            const name = `full${number}`;
            const value = 'x'.repeat(4_096 - name.length);
            document.cookie = `${name}=${value}; Domain=${domain}; Path=${path}; Secure`;
          }
        },
        { domain, path, count: COUNT },
      );
      // The browser takes them while it does other things.
      const planted = async () => {
        const cookies = await page.context().cookies();
        return cookies.filter(({ name }) => name.startsWith('full')).length;
      };
      if (isOneSite) await expect.poll(planted).toBe(COUNT);

      const isStruck = (url: string) => url === demo.url + (path === '/' ? path : '/api/v1/me');
      const struck = page.waitForResponse((answer) => isStruck(answer.url()));
      await page.goto(`${demo.url}/`);
      expect((await struck).status()).toBe(isOneSite ? 431 : 200);

      await page.goto(`${demo.url}/`);
      if (isOneSite) {
        await signIn.isShown();
        await signIn.submit(demo.username, demo.password);
      }
      await devices.isShown();
      await panel.page.close();
    }
  });

  // SECURITY S06, S09
  test('s06 a device page changes nothing at the manager', async ({ page, demo, devices }) => {
    const before = await records(page);
    const panel = await devices.openPanel(demo.device(0));
    const spec = await page.evaluate(async () => (await fetch('/api/v1/openapi.json')).json());
    const fill = (path: string) =>
      path.replace('{id}', demo.device(1).id).replace(/\{[^}]+\}/g, 'web');
    const operations = Object.entries(spec.paths as Record<string, object>).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => ({ path: fill(path), method })),
    );
    expect(operations.length).toBeGreaterThan(10);

    const readable = await panel.page.evaluate(
      async ({ manager, operations }) => {
        const body = JSON.stringify({ name: 'evil', username: 'evil', scope: 'full' });
        const answers: string[] = [];
        for (const { path, method } of operations) {
          const url = manager + path;
          const verb = method.toUpperCase();
          const simple = verb === 'GET' ? { method: verb } : { method: verb, body };
          const tries: RequestInit[] = [
            { ...simple, mode: 'cors', headers: { 'content-type': 'application/json' } },
            { ...simple, mode: 'cors' },
          ];
          if (['GET', 'POST'].includes(verb)) tries.push({ ...simple, mode: 'no-cors' });
          for (const each of tries) {
            const signal = AbortSignal.timeout(3_000);
            const request = fetch(url, { ...each, credentials: 'include', signal });
            const answer = await request.catch(() => undefined);
            if (answer && answer.type !== 'opaque') answers.push(`${verb} ${path}`);
          }
          navigator.sendBeacon(url, body);
          if (verb === 'POST') {
            const frame = document.createElement('iframe');
            frame.name = 'evil';
            document.body.append(frame);
            const form = document.createElement('form');
            Object.assign(form, { action: url, method: 'post', enctype: 'text/plain', target: 'evil' });
            const field = document.createElement('input');
            Object.assign(field, { name: body.slice(0, -1) + ',"x":"', value: '"}' });
            form.append(field);
            document.body.append(form);
            form.submit();
            await new Promise((resolve) => setTimeout(resolve, 50));
            frame.remove();
          }
        }
        return answers;
      },
      { manager: demo.url, operations },
    );
    expect(readable, 'answers that the device page could read').toEqual([]);
    await page.reload();
    await devices.isShown();
    expect(await records(page)).toEqual(before);
  });

  // SECURITY S07, S08
  test('s08 a device page opens no WebSocket of another origin', async ({ demo, devices }) => {
    const first = await devices.openPanel(demo.device(0));
    await devices.openPanel(demo.device(1));
    const outcome = await first.page.evaluate(
      async (urls) =>
        Promise.all(
          urls.map(
            (url) =>
              new Promise<string>((resolve) => {
                const socket = new WebSocket(url.replace(/^http/, 'ws'));
                socket.onopen = () => resolve('open');
                socket.onerror = () => resolve('refused');
              }),
          ),
        ),
      [
        new URL('/live', demo.device(0).url).href,
        new URL('/live', demo.device(1).url).href,
        `${demo.url}/tunnel`,
        `${demo.url}/api/v1/events`,
      ],
    );
    expect(outcome).toEqual(['open', 'refused', 'refused', 'refused']);
  });

  // SECURITY S11
  test('s11 a device page cannot frame the manager', async ({ demo, devices }) => {
    const panel = await devices.openPanel(demo.device(0));
    await panel.page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
      return new Promise((resolve) => (frame.onload = resolve));
    }, `${demo.url}/`);
    const shown = panel.page.frames().filter((frame) => frame.url().startsWith(demo.url));
    expect(shown).toEqual([]);
  });
}
