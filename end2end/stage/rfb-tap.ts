// A port that leads to a VNC server without sign-in: it sees what the client asks for and how much
// comes, so that two clients can be held to the same.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The client's version, the choice of no sign-in, and ClientInit (RFC 6143 section 7.1). */
const HANDSHAKE_BYTES = 12 + 1 + 1;
const QUIET_MS = 200;

/** Messages of a client (RFC 6143 section 7.5 and the registry). */
const SET_ENCODINGS = 2;
const UPDATE_REQUEST = 3;

const UPDATE_OF_A_PIXEL = Buffer.from([UPDATE_REQUEST, 1, 0, 0, 0, 0, 0, 1, 0, 1]);

/** ExtendedDesktopSize */
const EXTENDED_SIZE = -308;

export class RfbTap {
  /** From the server, since it began. */
  receivedBytes = 0;
  /** As a client has named them last. */
  encodings: number[] = [];
  private onlyWhole = false;
  private current: Socket | undefined;

  private constructor(
    readonly port: number,
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
  ) {}

  static async start(target: number): Promise<RfbTap> {
    const sockets = new Set<Socket>();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const tap = new RfbTap((server.address() as AddressInfo).port, server, sockets);
    server.on('connection', (client) => tap.join(client, connect(target, '127.0.0.1')));
    return tap;
  }

  end(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  /** From here on, and as long as this client stays, only requests for the whole picture reach the
   * server: with changes on their way too, it would be unknown which request a picture answers.
   * Nor does the server hear of sizes: TigerVNC tells its size first to whoever asks for the whole
   * picture, and then waits for another request. Returns when nothing more comes unasked. */
  async letWholeAlone(): Promise<void> {
    this.onlyWhole = true;
    this.current?.write(setEncodings(this.encodings.filter((each) => each !== EXTENDED_SIZE)));
    // With the encodings, it tells pointers and locks anew: to this request, not to the first that
    // is timed.
    this.current?.write(UPDATE_OF_A_PIXEL);
    let before: number;
    do {
      before = this.receivedBytes;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    } while (this.receivedBytes !== before);
  }

  private join(client: Socket, server: Socket): void {
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    this.onlyWhole = false;
    this.current = server;
    server.on('data', (bytes) => (this.receivedBytes += bytes.length));
    server.pipe(client);
    let handshakeBytes = HANDSHAKE_BYTES;
    let rest = Buffer.alloc(0);
    client.on('data', (bytes) => {
      const start = Math.min(handshakeBytes, bytes.length);
      handshakeBytes -= start;
      if (start > 0) server.write(bytes.subarray(0, start));
      rest = Buffer.concat([rest, bytes.subarray(start)]);
      for (let length = messageBytes(rest); length <= rest.length; length = messageBytes(rest)) {
        const message = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (this.passes(message)) server.write(message);
      }
    });
  }

  private passes(message: Buffer): boolean {
    if (message[0] === SET_ENCODINGS) {
      const count = message.readUInt16BE(2);
      this.encodings = Array.from({ length: count }, (_, at) => message.readInt32BE(4 + 4 * at));
    }
    return !(this.onlyWhole && message[0] === UPDATE_REQUEST && message[1] === 1);
  }
}

function setEncodings(encodings: number[]): Buffer {
  const message = Buffer.alloc(4 + 4 * encodings.length);
  message[0] = SET_ENCODINGS;
  message.writeUInt16BE(encodings.length, 2);
  encodings.forEach((each, at) => message.writeInt32BE(each, 4 + 4 * at));
  return message;
}

/** Of the message that begins here; beyond all there is while that cannot be known. */
function messageBytes(bytes: Buffer): number {
  const counted = (least: number, length: () => number) =>
    bytes.length < least ? Infinity : least + length();
  switch (bytes[0]) {
    case undefined:
      return Infinity;
    case 0: // SetPixelFormat
      return 20;
    case SET_ENCODINGS:
      return counted(4, () => 4 * bytes.readUInt16BE(2));
    case UPDATE_REQUEST:
      return 10;
    case 4: // a key
      return 8;
    case 5: // the pointer
      return 6;
    case 6: // a text; the extended one has its length negated
      return counted(8, () => Math.abs(bytes.readInt32BE(4)));
    case 248: // the answer to a fence
      return counted(9, () => bytes.readUInt8(8));
    case 251: // a size, screen by screen
      return counted(8, () => 16 * bytes.readUInt8(6));
    default:
      throw new Error(`a client sent a message of type ${bytes[0]}`);
  }
}
