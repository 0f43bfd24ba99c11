// A line to the server that can fail: an HTTP proxy, for browsers and for agents.
import {
  createServer,
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Both ends of what is carried. */
interface Call {
  caller: Duplex;
  target: Socket;
}

type State =
  | 'up'
  /** Whoever dials is refused. */
  | 'refuses'
  /** Nothing passes and nobody is told: what is open stays so, who dials gets no answer. */
  | 'dark';

export class Line {
  /** Connections carried since it began. */
  carried = 0;
  private state: State = 'up';
  private readonly calls = new Set<Call>();
  private readonly waiting = new Set<Duplex>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Line> {
    const server = createServer();
    const line = new Line(server);
    server.on('request', (from, to) => line.forward(from, to));
    server.on('connect', (about, caller, head) => line.join(about, caller, head));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  end(): void {
    this.cut();
    for (const caller of this.waiting) caller.destroy();
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Ends what is open as a reset does. */
  cut(): void {
    for (const { caller, target } of this.calls) {
      (caller as Socket).resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  /** The same, and nobody gets through until {@link mend}. */
  break(): void {
    this.state = 'refuses';
    this.cut();
  }

  darken(): void {
    this.state = 'dark';
    for (const { caller, target } of this.calls) {
      caller.pause();
      target.pause();
    }
  }

  /** Of what was open in the dark nothing comes back, as after a change of address. */
  mend(): void {
    const wasDark = this.state === 'dark';
    this.state = 'up';
    if (wasDark) this.cut();
    for (const caller of this.waiting) caller.destroy();
    this.waiting.clear();
  }

  /** WebSockets, and agents. */
  private join(about: IncomingMessage, caller: Duplex, head: Buffer): void {
    caller.on('error', () => caller.destroy());
    if (this.state === 'refuses') return void caller.destroy();
    if (this.state === 'dark') return void this.waiting.add(caller);
    const { port } = new URL(`http://${about.url}`);
    const target = connect(Number(port), '127.0.0.1');
    const call = { caller, target };
    this.calls.add(call);
    this.carried += 1;
    target.on('connect', () => {
      caller.write('HTTP/1.1 200 Connected\r\n\r\n');
      target.write(head);
      caller.pipe(target).pipe(caller);
    });
    for (const [one, other] of [[caller, target], [target, caller]] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.calls.delete(call);
        other.destroy();
      });
    }
  }

  /** Plain requests of a browser. */
  private forward(from: IncomingMessage, to: ServerResponse): void {
    if (this.state !== 'up') return void from.socket.destroy();
    const { hostname, port, pathname, search } = new URL(from.url!);
    const { method, headers } = from;
    const own: OutgoingHttpHeaders = { ...headers, host: `${hostname}:${port}`, connection: 'close' };
    delete own['proxy-connection'];
    const about = { host: '127.0.0.1', port, method, path: `${pathname}${search}`, headers: own };
    const onward = request(about, (answer) => {
      to.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(to);
    });
    onward.on('error', () => to.destroy());
    to.on('close', () => onward.destroy());
    from.pipe(onward);
  }
}
