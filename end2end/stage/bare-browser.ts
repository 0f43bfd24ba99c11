// Chromium with nobody listening in: Playwright has the browser copy to it whatever WebSockets
// carry, which costs more than what is measured here.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Cookie } from '@playwright/test';
import { WebSocket } from 'ws';

/** A page that code can be run in; Playwright's own are too. */
export interface Evaluates {
  evaluate<Result, Argument>(
    code: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
}

const STARTS_WITHIN_MS = 30_000;
const ANSWERS_WITHIN_MS = 120_000;

export class BareBrowser {
  private last = 0;
  private readonly waiting = new Map<number, (answer: Answer) => void>();

  private constructor(
    private readonly program: ChildProcess,
    private readonly folder: string,
    private readonly socket: WebSocket,
  ) {
    socket.on('message', (text: Buffer) => {
      const answer = JSON.parse(text.toString()) as Answer;
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
  }

  /** As Playwright would start it. */
  static async start(executable: string, words: string[]): Promise<BareBrowser> {
    const folder = await mkdtemp(join(tmpdir(), 'adit-browser-'));
    const all = [...words, '--headless', '--remote-debugging-port=0', `--user-data-dir=${folder}`];
    all.push('--window-size=1280,800', '--hide-scrollbars', '--mute-audio', 'about:blank');
    const program = spawn(executable, all, { stdio: ['ignore', 'ignore', 'pipe'] });
    const socket = new WebSocket(await address(program), { perMessageDeflate: false });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new BareBrowser(program, folder, socket);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.program.once('exit', resolve));
    await this.call('Browser.close', {});
    await ended;
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async signInAs(cookies: Cookie[]): Promise<void> {
    await this.call('Storage.setCookies', { cookies });
  }

  async newPage(): Promise<BarePage> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const words = { targetId, flatten: true };
    const { sessionId } = await this.call('Target.attachToTarget', words);
    return new BarePage((method, params) => this.call(method, params, sessionId as string));
  }

  private call(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${method}`)), ANSWERS_WITHIN_MS);
      this.waiting.set(id, ({ result, error }) => {
        clearTimeout(late);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result ?? {});
      });
      this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }
}

/** A page without Playwright behind it. */
export class BarePage implements Evaluates {
  constructor(
    private readonly call: (method: string, params: object) => Promise<Record<string, unknown>>,
  ) {}

  /** Returns when the document has been read. */
  async goto(url: string): Promise<void> {
    await this.call('Page.navigate', { url });
    let [state, at] = ['', ''];
    const isThere = async () => {
      const about = () => [document.readyState as string, location.href] as const;
      [state, at] = await this.evaluate(about, undefined).catch(() => ['', '']);
      return state === 'complete' && at === url;
    };
    const end = Date.now() + STARTS_WITHIN_MS;
    while (!(await isThere())) {
      if (Date.now() > end) throw new Error(`${url} does not open: ${at} is ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async bringToFront(): Promise<void> {
    await this.call('Page.bringToFront', {});
  }

  async evaluate<Result, Argument>(
    code: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result> {
    const expression = `(${code.toString()})(${JSON.stringify(argument) ?? ''})`;
    const words = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.call('Runtime.evaluate', words)) as {
      result: { value: Result };
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? 'it threw');
    return result.value;
  }
}

interface Answer {
  id: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

function address(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the browser does not start')), STARTS_WITHIN_MS);
    program.once('exit', (code) => reject(new Error(`the browser ended with ${code}`)));
    createInterface(program.stderr!).on('line', (line) => {
      const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (!found) return;
      clearTimeout(late);
      resolve(found);
    });
  });
}
