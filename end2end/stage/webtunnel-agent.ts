// An agent that speaks WebTunnel, started with nothing but its `WebTunnelAgent.properties`.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const OPEN_REQUEST = 0x01;
const OPEN_CONFIRM = 0x11;
const OPEN_FAULT = 0x81;
const DATA = 0x00;
const CLOSE = 0x02;
const ERROR = 0x80;
const NOT_FORWARDED = 2;
const BINARY_FRAME = 0x82;
const ANSWERS_WITHIN_MS = 10_000;

export class WebTunnelAgent {
  private readonly channels = new Map<number, Socket>();

  private constructor(
    private readonly line: Socket,
    private readonly ports: Set<number>,
  ) {}

  /** Connects; the error of a refusal is what the server says of it. */
  static async start(properties: string): Promise<WebTunnelAgent> {
    const known = read(properties);
    const get = (key: string) => known.get(`webtunnel.${key}`) ?? '';
    const server = new URL(get('reflectorURI'));
    const credential = Buffer.from(`${get('username')}:${get('password')}`).toString('base64');
    const property = (text: string) => `X-PTTH-Set-Property: device;${text}`;
    const lines = [`POST ${server.pathname} HTTP/1.1`];
    lines.push('Sec-WebSocket-Protocol: com.appinf.webtunnel.server/1.0');
    lines.push(property('targetHost=127.0.0.1'), property(`targetPorts=${get('ports')}`));
    for (const name of ['httpPort', 'sshPort', 'vncPort']) {
      if (get(name)) lines.push(property(`${name}=${get(name)}`));
    }
    if (get('deviceName')) lines.push(property(`name="${get('deviceName')}"`));
    lines.push('User-Agent: WebTunnelAgent/2.5.0 (Linux/6.18; x86_64) POCO/1.11.10');
    lines.push('X-WebTunnel-KeepAlive: 300', `Authorization: Basic ${credential}`);
    lines.push('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13');
    lines.push(`Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, `Host: ${server.host}`);

    const line = connect(Number(server.port || 80), '127.0.0.1');
    line.on('error', () => line.destroy());
    line.write(`${lines.join('\r\n')}\r\n\r\n`);
    const [head, rest] = await answer(line);
    if (!head.startsWith('HTTP/1.1 101')) {
      line.destroy();
      throw new Error(/^x-ptth-error: (.*)$/im.exec(head)?.[1] ?? head);
    }
    const ports = new Set(get('ports').split(/[,; ]+/).map(Number));
    const agent = new WebTunnelAgent(line, ports);
    agent.listen(rest);
    return agent;
  }

  /** As by a power cut. */
  end(): void {
    this.line.destroy();
    for (const channel of this.channels.values()) channel.destroy();
  }

  /** Resolves when the server has cut it off. */
  async ended(): Promise<void> {
    if (this.line.closed) return;
    await new Promise((resolve) => this.line.once('close', resolve));
  }

  private listen(rest: Buffer): void {
    let buffer = rest;
    const take = () => {
      for (let frame = first(buffer); frame; frame = first(buffer)) {
        buffer = buffer.subarray(frame.end);
        if (frame.opcode === 8) this.line.destroy();
        else if (frame.opcode === 2) this.heed(frame.payload);
      }
    };
    this.line.on('data', (bytes: Buffer) => {
      buffer = Buffer.concat([buffer, bytes]);
      take();
    });
    take();
  }

  private heed(message: Buffer): void {
    const [opcode, id] = [message.readUInt8(0), message.readUInt16BE(2)];
    if (opcode === OPEN_REQUEST) this.open(id, message.readUInt16BE(4));
    else if (opcode === DATA) this.channels.get(id)?.write(message.subarray(4));
    else if (opcode === CLOSE) this.channels.get(id)?.end();
    else if (opcode === ERROR) this.channels.get(id)?.destroy();
  }

  private open(id: number, port: number): void {
    if (!this.ports.has(port)) return this.send(OPEN_FAULT, id, argument(NOT_FORWARDED));
    const device = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.channels.set(id, device);
    device.once('connect', () => this.send(OPEN_CONFIRM, id));
    device.on('data', (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += 2048) this.send(DATA, id, bytes.subarray(at, at + 2048));
    });
    device.once('end', () => this.send(CLOSE, id));
    device.on('error', () => this.send(ERROR, id, argument(5)));
    device.once('close', () => this.channels.delete(id));
  }

  private send(opcode: number, id: number, body: Buffer = Buffer.alloc(0)): void {
    const payload = Buffer.concat([Buffer.from([opcode, 0, id >> 8, id & 255]), body]);
    const long = payload.length > 125;
    const head = Buffer.alloc(long ? 4 : 2);
    head.writeUInt8(BINARY_FRAME, 0);
    head.writeUInt8(0x80 | (long ? 126 : payload.length), 1);
    if (long) head.writeUInt16BE(payload.length, 2);
    const mask = randomBytes(4);
    const masked = payload.map((byte, at) => byte ^ mask.readUInt8(at % 4));
    this.line.write(Buffer.concat([head, mask, masked]));
  }
}

/** Keys and values, with what `${}` names put in. */
function read(properties: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const line of properties.split('\n')) {
    const parts = /^([^#=]+)=(.*)$/.exec(line);
    if (parts) known.set(parts[1]!.trim(), parts[2]!.trim());
  }
  for (const [key, value] of known) {
    known.set(key, value.replace(/\$\{([^}]*)\}/g, (_, name: string) => known.get(name) ?? ''));
  }
  return known;
}

function argument(code: number): Buffer {
  return Buffer.from([code >> 8, code & 255]);
}

async function answer(line: Socket): Promise<[string, Buffer]> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no answer')), ANSWERS_WITHIN_MS);
    const take = (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      clearTimeout(late);
      line.off('data', take);
      resolve([bytes.subarray(0, end).toString('latin1'), bytes.subarray(end + 4)]);
    };
    line.on('data', take);
    line.once('close', () => reject(new Error('closed without an answer')));
  });
}

function first(buffer: Buffer): { opcode: number; payload: Buffer; end: number } | undefined {
  if (buffer.length < 2) return undefined;
  let [length, head] = [buffer.readUInt8(1) & 0x7f, 2];
  if (length === 126) {
    if (buffer.length < 4) return undefined;
    [length, head] = [buffer.readUInt16BE(2), 4];
  }
  const end = head + length;
  if (buffer.length < end) return undefined;
  return { opcode: buffer.readUInt8(0) & 0x0f, payload: buffer.subarray(head, end), end };
}
