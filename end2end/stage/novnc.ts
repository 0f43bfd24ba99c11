// noVNC, to be measured beside: its files, and a WebSocket that leads to a port. As a service of a
// device it comes through the tunnel.
import { createReadStream } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { WebSocketServer } from 'ws';

import type { BarePage, Evaluates } from './bare-browser.ts';

const FILES = dirname(dirname(fileURLToPath(import.meta.resolve('@novnc/novnc'))));

const PAGE = `<!doctype html><title>noVNC</title><body style="margin: 0">
<div id="screen" style="width: 1280px; height: 720px"></div>
<script>
globalThis.opened = new Promise((resolve) => (globalThis.drawn = resolve));
</script>
<script type="module">
import RFB from '/core/rfb.js';
const { port, encodings } = Object.fromEntries(new URLSearchParams(location.search));
class Viewer extends RFB {
  // The same list as the other viewer's.
  _sendEncodings() {
    RFB.messages.clientEncodings(this._sock, encodings.split('.').map(Number));
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
    return new Promise((resolve) => {
      this.onFrame = resolve;
      RFB.messages.fbUpdateRequest(this._sock, false, 0, 0, this._fbWidth, this._fbHeight);
      this._sock.flush();
    });
  }
}
Viewer.prototype.rectangles = new Map();
const began = performance.now();
const viewer = new Viewer(document.getElementById('screen'), 'ws://' + location.host + '/' + port);
viewer.onFrame = () => globalThis.drawn(performance.now() - began);
globalThis.viewer = viewer;
</script>`;

const TYPES: Record<string, string> = { '.js': 'text/javascript' };

export class NoVnc {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<NoVnc> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname === '/') {
        response.setHeader('content-type', 'text/html');
        return response.end(PAGE);
      }
      const file = join(FILES, normalize(pathname));
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
      createReadStream(file)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    });
    // Compression would cost what the other side does not pay.
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    sockets.on('connection', (socket, request) => {
      const target = connect(Number(request.url!.slice(1)), '127.0.0.1');
      target.setNoDelay(true);
      target.on('data', (bytes) => socket.send(bytes));
      target.on('close', () => socket.close()).on('error', () => socket.close());
      socket.on('message', (bytes: Buffer) => target.write(bytes));
      socket.on('close', () => target.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new NoVnc(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  end(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** From where its page is reached. Returns once the first picture is drawn: how long that took
   * from dialling on, in ms. */
  async open(page: BarePage, at: string, port: number, encodings: number[]): Promise<number> {
    const search = new URLSearchParams({ port: String(port), encodings: encodings.join('.') });
    await page.goto(`${at}?${search}`);
    return page.evaluate(
      () => (globalThis as unknown as { opened: Promise<number> }).opened,
      undefined,
    );
  }

  async timeFrames(page: Evaluates, frames: number): Promise<number[]> {
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

  async rectangles(page: Evaluates): Promise<Map<number, number>> {
    return new Map(
      await page.evaluate(() => {
        const { viewer } = globalThis as unknown as { viewer: { rectangles: Map<number, number> } };
        return [...viewer.rectangles];
      }, undefined),
    );
  }

  async close(page: BarePage): Promise<void> {
    await page.goto('about:blank');
  }
}
