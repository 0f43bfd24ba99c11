// Two viewers side by side: noVNC and ours, from one server, over WebSockets that lead to a port.
import { createReadStream, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, type Page } from '@playwright/test';
import { WebSocketServer } from 'ws';

import { serveStream } from './adit-stream.ts';

const FILES = dirname(dirname(fileURLToPath(import.meta.resolve('@novnc/novnc'))));

/** The web app as `cargo xtask build` leaves it. */
const SITE = fileURLToPath(new URL('../../target/site', import.meta.url));

const PAGE = `<!doctype html><title>noVNC</title><body style="margin: 0">
<div id="screen" style="width: 1280px; height: 720px"></div>
<script type="module">
import RFB from '/core/rfb.js';
const { port, encodings } = Object.fromEntries(new URLSearchParams(location.search));
class Viewer extends RFB {
  // The same list as the other viewer's.
  _sendEncodings() {
    RFB.messages.clientEncodings(this._sock, JSON.parse(encodings));
  }
  _handleRect() {
    const { encoding } = this._FBU;
    const whole = super._handleRect();
    if (whole && encoding >= 0) {
      this.painted = true;
      this.rectangles.set(encoding, (this.rectangles.get(encoding) ?? 0) + 1);
    }
    return whole;
  }
  _framebufferUpdate() {
    const whole = super._framebufferUpdate();
    if (whole && this.painted) {
      this.painted = false;
      // JPEGs are drawn when the browser has decoded them.
      const drawn = () => this.onFrame?.();
      if (this._display.pending()) this._display.flush().then(drawn);
      else drawn();
    }
    return whole;
  }
  refresh() {
    return new Promise((resolve, reject) => {
      this.onFrame = resolve;
      this.addEventListener('disconnect', () => reject(new Error('noVNC has disconnected')));
      RFB.messages.fbUpdateRequest(this._sock, false, 0, 0, this._fbWidth, this._fbHeight);
      this._sock.flush();
    });
  }
}
Viewer.prototype.rectangles = new Map();
const viewer = new Viewer(document.getElementById('screen'), 'ws://' + location.host + '/' + port);
globalThis.viewer = viewer;
viewer.addEventListener('connect', () => document.body.setAttribute('data-connected', ''));
</script>`;

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

export class Viewers {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Viewers> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname === '/') {
        response.setHeader('content-type', 'text/html');
        return response.end(PAGE);
      }
      if (pathname === '/favicon.ico') return response.writeHead(204).end();
      if (pathname === '/ours') {
        const index = readFileSync(join(SITE, 'index.html'), 'utf8');
        const modules = /<script type="application\/json" id="modules">.*?<\/script>/.exec(index);
        response.setHeader('content-type', 'text/html');
        return response.end(`<!doctype html><title>Adit</title>${modules?.[0]}`);
      }
      const folder = pathname.startsWith('/pkg/') ? SITE : FILES;
      const file = join(folder, normalize(pathname));
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
      createReadStream(file)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    });
    // Compression would cost what the other side does not pay.
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    sockets.on('connection', (socket, request) => {
      const [, port, protocol] = request.url!.split('/');
      if (protocol === 'stream') return serveStream(socket, Number(port));
      const target = connect(Number(port), '127.0.0.1');
      target.setNoDelay(true);
      target.on('data', (bytes) => socket.send(bytes));
      target.on('close', () => socket.close()).on('error', () => socket.close());
      socket.on('message', (bytes: Buffer) => target.write(bytes));
      socket.on('close', () => target.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Viewers(server);
  }

  end(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Where our viewer's page is, and its stream to a port. */
  ours(port: number): { page: string; stream: string } {
    const host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return { page: `http://${host}/ours`, stream: `ws://${host}/${port}/stream` };
  }

  async open(page: Page, port: number, encodings: number[]): Promise<void> {
    const { port: own } = this.server.address() as AddressInfo;
    const search = new URLSearchParams({ port: String(port), encodings: JSON.stringify(encodings) });
    await page.goto(`http://127.0.0.1:${own}/?${search}`);
    await expect(page.locator('body[data-connected]')).toBeVisible({ timeout: 20_000 });
  }

  async timeFrames(page: Page, frames: number): Promise<number[]> {
    return page.evaluate(async (frames) => {
      const { viewer } = globalThis as unknown as { viewer: { refresh(): Promise<void> } };
      const times: number[] = [];
      for (let done = 0; done < frames; done++) {
        const began = performance.now();
        await viewer.refresh();
        times.push(performance.now() - began);
      }
      return times;
    }, frames);
  }

  async rectangles(page: Page): Promise<Map<number, number>> {
    return new Map(
      await page.evaluate(() => {
        const { viewer } = globalThis as unknown as { viewer: { rectangles: Map<number, number> } };
        return [...viewer.rectangles];
      }),
    );
  }

  async close(page: Page): Promise<void> {
    await page.goto('about:blank');
  }
}

/** A port that leads to another one, and counts what comes back from there. */
export async function countingPort(target: number): Promise<{
  port: number;
  received: () => number;
  end: () => void;
}> {
  let received = 0;
  const server = createTcpServer((socket) => {
    const other = connect(target, '127.0.0.1');
    other.setNoDelay(true);
    socket.setNoDelay(true);
    other.on('data', (bytes) => (received += bytes.length));
    socket.pipe(other).pipe(socket);
    socket.on('error', () => other.destroy());
    other.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, received: () => received, end: () => void server.close() };
}
