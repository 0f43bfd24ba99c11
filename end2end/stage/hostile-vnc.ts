// Servers that call themselves VNC and are not, or mean no good (S43).
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Hostile {
  /** The service's name. */
  name: string;
  /** What the page says, and more of it. */
  title: RegExp;
  text: RegExp;
  serve(socket: Socket): void;
}

const u16 = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
const u32 = (value: number) => u16(value >>> 16, value & 0xffff);
const text = (words: string) => Buffer.concat([u32(Buffer.byteLength(words)), Buffer.from(words)]);

/** After the greeting, without a sign-in: a desktop of this size and name. */
function hello(width: number, height: number, name = 'hostile'): Buffer {
  const format = Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
  return Buffer.concat([u32(0), u16(width, height), format, text(name)]);
}

/** Greets, and sends this once the client has answered so many times. */
function afterGreeting(types: number[], rest: Buffer, endless?: Buffer) {
  return (socket: Socket) => {
    let answers = 0;
    socket.write('RFB 003.008\n');
    socket.on('data', () => {
      answers += 1;
      if (answers === 1) socket.write(Buffer.from([types.length, ...types]));
      // With no type to choose, nothing is answered.
      if (answers === (types.length > 0 ? 2 : 1)) {
        socket.write(rest);
        if (endless) pour(socket, endless);
      }
    });
  };
}

/** As fast as it is taken. */
function pour(socket: Socket, bytes: Buffer): void {
  const more = () => {
    if (!socket.destroyed) socket.write(bytes, () => setImmediate(more));
  };
  more();
}

const picture = (...parts: Buffer[]) => Buffer.concat([hello(64, 64), ...parts]);
const update = (rectangles: number) => Buffer.concat([Buffer.from([0, 0]), u16(rectangles)]);
const broken = /does not keep to VNC/;

export const HOSTILE: Hostile[] = [
  {
    name: 'web',
    title: /no VNC server/,
    text: /Check the port/,
    serve: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  },
  {
    name: 'refuses',
    title: /server refuses/,
    text: /Too many <b>failures<\/b>/,
    serve: afterGreeting([], text('Too many <b>failures</b>')),
  },
  {
    name: 'vencrypt',
    title: /sign-in that is not spoken/,
    text: /VeNCrypt.*None or VncAuth/,
    serve: afterGreeting([19], Buffer.alloc(0)),
  },
  {
    name: 'huge',
    title: broken,
    text: /too large/,
    serve: afterGreeting([1], hello(65535, 65535)),
  },
  {
    name: 'outside',
    title: broken,
    text: /broke the protocol/,
    serve: afterGreeting([1], picture(update(1), u16(60, 60, 5, 5), u32(0))),
  },
  {
    name: 'unknown-message',
    title: broken,
    text: /unknown message/,
    serve: afterGreeting([1], picture(Buffer.from([77, 1, 2, 3]))),
  },
  {
    name: 'unknown-encoding',
    title: broken,
    text: /unknown encoding/,
    serve: afterGreeting([1], picture(update(1), u16(0, 0, 8, 8), u32(12345))),
  },
  {
    name: 'bad-length',
    title: broken,
    text: /The connection was ended/,
    serve: afterGreeting([1], picture(update(1), u16(0, 0, 8, 8), u32(16), u32(0xffffffff))),
  },
  {
    name: 'bad-zlib',
    title: broken,
    text: /The connection was ended/,
    serve: afterGreeting([1], picture(update(1), u16(0, 0, 8, 8), u32(6), text('this is not zlib'))),
  },
  {
    name: 'huge-cursor',
    title: broken,
    text: /too large/,
    serve: afterGreeting([1], picture(update(1), u16(0, 0, 60000, 60000), u32(-239 >>> 0))),
  },
];

/** A desktop that rings without end: it is no fault, and the page must stay usable. */
export const RINGS = afterGreeting(
  [1],
  picture(update(1), u16(0, 0, 1, 1), u32(0), u32(0)),
  Buffer.alloc(16 * 1024, 2),
);

/** Serves until closed. */
export async function listen(serve: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}
