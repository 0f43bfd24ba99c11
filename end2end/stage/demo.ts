// A running demo: a server and devices, started and ended by a test worker.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM =
  process.env.ADIT_DEMO ?? fileURLToPath(new URL('../../target/debug/adit-demo', import.meta.url));

const READY_WITHIN_MS = 60_000;

export interface Service {
  name: string;
  kind: string;
  url: string | null;
}

export interface Device {
  id: string;
  name: string;
  url: string;
  services: Service[];
  ssh: { user: string; private_key: string };
  /** For the desktops that ask for a password; the press does not. */
  desktop: { password: string };
}

/** The line that the demo prints when all is ready. */
interface Announcement {
  url: string;
  username: string;
  password: string;
  api_token: string;
  control_url: string;
  devices: Device[];
}

/** How the manager's name and the devices' names relate; all but the first are over TLS. */
export type Layout = 'localhost' | 'same-site' | 'separate';

export class Demo {
  private constructor(
    private readonly process: ChildProcess,
    private readonly told: Announcement,
  ) {}

  static async start(deviceCount = 3, layout: Layout = 'localhost'): Promise<Demo> {
    const words = ['--port', '0', '--json', '--control', '--devices', String(deviceCount)];
    words.push('--layout', layout);
    // An open standard input keeps it alive; it ends with us however we end.
    const child = spawn(PROGRAM, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      return new Demo(child, JSON.parse(await firstLine(child)) as Announcement);
    } catch (error) {
      child.kill('SIGTERM');
      throw error;
    }
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }

  get url(): string {
    return this.told.url;
  }

  get username(): string {
    return this.told.username;
  }

  get password(): string {
    return this.told.password;
  }

  get apiToken(): string {
    return this.told.api_token;
  }

  /** 0 is the pump, 1 the gate camera, 2 the press. */
  device(number: number): Device {
    const device = this.told.devices[number];
    if (!device) throw new Error(`the demo has no device ${number}`);
    return device;
  }

  serviceUrl(number: number, name: string): string {
    const service = this.device(number).services.find((each) => each.name === name);
    if (!service?.url) throw new Error(`device ${number} has no page ${name}`);
    return service.url;
  }

  /** Ends the agent without warning, as a power cut would. */
  async stopDevice(number: number): Promise<void> {
    await this.control(`devices/${number}/stop`);
  }

  async startDevice(number: number): Promise<void> {
    await this.control(`devices/${number}/start`);
  }

  /** Gives its SSH server other host keys than its agent has reported. */
  async changeHostKeys(number: number): Promise<void> {
    await this.control(`devices/${number}/change-host-keys`);
  }

  async killServer(): Promise<void> {
    await this.control('server/kill');
  }

  /** Returns when the server takes requests again. */
  async startServer(): Promise<void> {
    await this.control('server/start');
  }

  private async control(action: string): Promise<void> {
    const answer = await fetch(`${this.told.control_url}/${action}`, { method: 'POST' });
    if (!answer.ok) throw new Error(`${action}: ${await answer.text()}`);
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the demo is not ready')), READY_WITHIN_MS);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}`)));
    if (!child.stdout) return reject(new Error('no output to read'));
    createInterface(child.stdout).once('line', (line) => {
      clearTimeout(late);
      resolve(line);
    });
  });
}
