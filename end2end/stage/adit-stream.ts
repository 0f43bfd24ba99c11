// The server's end of adit.stream.v1 in little, for measuring a viewer without a server and a tunnel
// behind it (docs/protocol.md).
import { connect } from 'node:net';

import type { WebSocket } from 'ws';

const [HELLO, PING, PONG] = [0x01, 0x02, 0x03];
const [ACCEPT, DATA, CREDIT, FIN] = [0x11, 0x13, 0x14, 0x15];
const HEADER_BYTES = 8;
/** Two of them, with their headers, are a message of 64 KiB. */
const MOST_PAYLOAD_BYTES = 32 * 1024 - HEADER_BYTES;
const STREAM = 1;
/** As the client grants it in its HELLO; CREDIT raises it. */
const FIRST_CREDIT_BYTES = 256 * 1024;

/** Joins a viewer's stream to a port. */
export function serveStream(socket: WebSocket, port: number): void {
  const target = connect(port, '127.0.0.1');
  target.setNoDelay(true);
  // Nothing goes before the HELLO.
  let [sent, credit] = [0, 0];
  let waiting: Buffer[] = [];
  const flush = () => {
    const frames: Buffer[] = [];
    while (waiting.length > 0 && sent < credit) {
      const [first] = waiting as [Buffer];
      const part = first.subarray(0, Math.min(MOST_PAYLOAD_BYTES, credit - sent));
      sent += part.length;
      frames.push(frame(DATA, STREAM, part));
      if (part.length === first.length) waiting.shift();
      else waiting[0] = first.subarray(part.length);
      if (frames.length === 2) socket.send(Buffer.concat(frames.splice(0)));
    }
    if (frames.length > 0) socket.send(Buffer.concat(frames));
    // What the viewer does not take stays with the server.
    if (waiting.length > 0) target.pause();
    else target.resume();
  };
  target.on('data', (bytes: Buffer) => {
    waiting.push(bytes);
    flush();
  });
  target.on('close', () => socket.close()).on('error', () => socket.close());
  socket.on('close', () => {
    waiting = [];
    target.destroy();
  });
  socket.on('message', (message: Buffer) => {
    for (let at = 0; at < message.length; ) {
      const [kind, length] = [message[at]!, message.readUInt16BE(at + 2)];
      const payload = message.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
      at += HEADER_BYTES + length;
      if (kind === HELLO) {
        socket.send(Buffer.concat([frame(HELLO, 0, hello()), frame(ACCEPT, STREAM)]));
        credit = FIRST_CREDIT_BYTES;
        flush();
      } else if (kind === PING) socket.send(frame(PONG, 0, payload));
      else if (kind === DATA) target.write(payload);
      else if (kind === FIN) target.end();
      else if (kind === CREDIT) {
        credit = Math.max(credit, Number(payload.readBigUInt64BE(0)));
        flush();
      }
    }
  });
}

function frame(kind: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = kind;
  header.writeUInt16BE(payload.length, 2);
  header.writeUInt32BE(stream, 4);
  return Buffer.concat([header, payload]);
}

/** ServerHello as CBOR: nothing is resumed, and the viewer may send what a session needs. */
function hello(): Buffer {
  const text = (word: string) => [0x60 + word.length, ...Buffer.from(word)];
  const u32 = (value: number) => [0x1a, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  return Buffer.from([
    0xa6,
    ...text('tunnel'), 0x50, ...Array<number>(16).fill(7),
    ...text('epoch'), 1,
    ...text('resumed'), 0xf4,
    ...text('features'), 0x80,
    ...text('windows'), 0xa4,
    ...text('initial'), ...u32(16 * 1024 * 1024),
    ...text('max_streams'), 1,
    ...text('max_pending'), 1,
    ...text('replay'), 0,
    ...text('keepalive_s'), ...u32(60),
  ]);
}
