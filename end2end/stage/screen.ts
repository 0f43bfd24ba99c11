// A desktop that a story brings along: an X server whose screen, keyboard and clipboard it can look
// at from behind, shown by TigerVNC or x11vnc.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { freePort, listening } from './port.ts';

export interface Pixels {
  width: number;
  height: number;
  /** Red, green, blue for each pixel. */
  rgb: Buffer;
}

interface Options {
  server?: 'tigervnc' | 'x11vnc';
  password?: string;
  /** As `setxkbmap` names it. */
  layout?: string;
  size?: [number, number];
}

const MOST_BYTES = 64 * 1024 * 1024;

export class Screen {
  private readonly programs: ChildProcess[] = [];

  private constructor(
    readonly port: number,
    private readonly display: string,
    private readonly folder: string,
  ) {}

  static async start(options: Options = {}): Promise<Screen> {
    const { server = 'tigervnc', password, layout, size = [1024, 640] } = options;
    const folder = await mkdtemp(join(tmpdir(), 'adit-screen-'));
    const port = await freePort();
    const own = server === 'tigervnc' ? port : -1;
    const words = ['-displayfd', '1', '-nolisten', 'tcp', '-AlwaysShared', '-localhost'];
    words.push('-rfbport', String(own), '-geometry', size.join('x'), '-depth', '24');
    words.push('-desktop', 'A screen', ...(await security(folder, password)));
    const child = spawn('Xvnc', words, { stdio: ['ignore', 'pipe', 'ignore'] });
    const screen = new Screen(port, `:${await firstLine(child)}`, folder);
    screen.programs.push(child);
    if (layout) await screen.run('setxkbmap', layout);
    if (server === 'x11vnc') {
      // Shared memory of a killed x11vnc stays until the machine has none left.
      screen.start('x11vnc', '-display', screen.display, '-rfbport', String(port), '-localhost',
        '-forever', '-shared', '-nopw', '-quiet', '-noxdamage', '-noshm');
    }
    await listening(port, server);
    return screen;
  }

  async end(): Promise<void> {
    for (const program of this.programs) program.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Starts a program on the screen; it ends with it. */
  start(program: string, ...words: string[]): void {
    const options = { env: this.environment, stdio: 'ignore' as const };
    this.programs.push(spawn(program, words, options));
  }

  /** Runs a program on the screen to its end. */
  async run(program: string, ...words: string[]): Promise<string> {
    const options = { env: this.environment, maxBuffer: MOST_BYTES };
    return (await promisify(execFile)(program, words, options)).stdout;
  }

  /** What the screen really shows. */
  async pixels(): Promise<Pixels> {
    const options = { env: this.environment, maxBuffer: MOST_BYTES, encoding: 'buffer' as const };
    const dump = await promisify(execFile)('xwd', ['-root', '-silent'], options);
    return readDump(dump.stdout);
  }

  /** Shows a picture of gradients and noise, which no encoding has an easy time with. */
  async showPhoto(): Promise<void> {
    const { width, height } = await this.pixels();
    const file = join(this.folder, 'photo.xwd');
    await writeFile(file, photo(width, height));
    this.start('xwud', '-in', file, '-geometry', `${width}x${height}+0+0`);
  }

  /** A window over all, full of text. */
  showText(): void {
    const text = 'ls -lR /usr/lib | head -4000 | pr -4 -t -w 240 -l 100 | tail -100; sleep 99999';
    this.start('xterm', '-b', '0', '-geometry', '300x100+0+0', '-e', 'sh', '-c', text);
  }

  /** A window over all whose text never stands still. */
  showMotion(): void {
    const text = 'while :; do head -c 3000 /dev/urandom | base64 -w 240; sleep 0.03; done';
    this.start('xterm', '-b', '0', '-geometry', '300x100+0+0', '-e', 'sh', '-c', text);
  }

  /** A window over all that keeps what is typed and clicked into it, as a terminal tells it. */
  async listen(): Promise<Keystrokes> {
    const heard = join(this.folder, 'heard');
    const ready = join(this.folder, 'ready');
    // Mouse reports: presses, releases, and movement with a button down, in decimal.
    const script = `stty raw -echo; printf '\\033[?1002h\\033[?1006h'; : > ${ready}; exec cat > ${heard}`;
    this.start('xterm', '-u8', '-b', '0', '-geometry', '300x100+0+0', '-e', 'sh', '-c', script);
    await until(async () => (await readFile(ready).catch(() => undefined)) !== undefined);
    return new Keystrokes(heard);
  }

  async clipboard(): Promise<string> {
    return this.run('xclip', '-selection', 'clipboard', '-o');
  }

  async copy(text: string): Promise<void> {
    const file = join(this.folder, 'copied');
    await writeFile(file, text);
    // It stays, to answer whoever asks.
    this.start('xclip', '-selection', 'clipboard', '-quiet', '-i', file);
  }

  private get environment(): NodeJS.ProcessEnv {
    return { ...process.env, DISPLAY: this.display, LC_ALL: 'C.UTF-8' };
  }
}

/** What came to {@link Screen.listen}'s window. */
export class Keystrokes {
  constructor(private readonly file: string) {}

  async text(): Promise<string> {
    return readFile(this.file, 'utf8').catch(() => '');
  }

  /** As terminals report them: button and what became of it. */
  async mouse(): Promise<{ button: number; column: number; row: number; down: boolean }[]> {
    const reports = (await this.text()).matchAll(/\x1b\[<(\d+);(\d+);(\d+)([Mm])/g);
    return [...reports].map(([, button, column, row, kind]) => ({
      button: Number(button),
      column: Number(column),
      row: Number(row),
      down: kind === 'M',
    }));
  }
}

async function security(folder: string, password: string | undefined): Promise<string[]> {
  if (password === undefined) return ['-SecurityTypes', 'None'];
  const file = join(folder, 'password');
  const scramble = promisify(execFile)('tigervncpasswd', ['-f'], { encoding: 'buffer' });
  scramble.child.stdin?.end(`${password}\n`);
  await writeFile(file, (await scramble).stdout);
  return ['-SecurityTypes', 'VncAuth', '-PasswordFile', file];
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the X server ended with ${code}`)));
    createInterface(child.stdout!).once('line', (line) => resolve(line.trim()));
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('a program on the screen did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** XWD, version 7, 32 bits for a pixel, as `xwd` writes it (X11/XWDFile.h). */
function readDump(dump: Buffer): Pixels {
  const field = (number: number) => dump.readUInt32BE(number * 4);
  const [header, width, height] = [field(0), field(4), field(5)];
  const [isBigEndian, bits, row] = [field(7) === 1, field(11), field(12)];
  if (bits !== 32) throw new Error(`a dump of ${bits} bits`);
  const start = header + field(19) * 12;
  const rgb = Buffer.alloc(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const place = start + y * row + x * 4;
      const pixel = isBigEndian ? dump.readUInt32BE(place) : dump.readUInt32LE(place);
      rgb.writeUIntBE(pixel & 0xffffff, at, 3);
    }
  }
  return { width, height, rgb };
}

/** The same format, with true colours. */
function photo(width: number, height: number): Buffer {
  const name = Buffer.from('photo\0');
  const fields = [
    100 + name.length, 7, 2, 24, width, height, 0, 0, 32, 0, 32, 32, width * 4, 4,
    0xff0000, 0xff00, 0xff, 8, 0, 0, width, height, 0, 0, 0,
  ];
  const header = Buffer.alloc(100);
  fields.forEach((value, number) => header.writeUInt32BE(value, number * 4));
  const pixels = Buffer.alloc(width * height * 4);
  let noise = 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
      const red = (x * 255) / width;
      const green = (y * 255) / height;
      const blue = 128 + 100 * Math.sin((x + y) / 40);
      const at = (y * width + x) * 4;
      [blue, green, red].forEach((value, part) => {
        pixels[at + part] = Math.max(0, Math.min(255, value + ((noise >> (8 * part)) & 15)));
      });
    }
  }
  return Buffer.concat([header, name, pixels]);
}
