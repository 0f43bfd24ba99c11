// An agent that a story enrols itself.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const DEMO =
  process.env.ADIT_DEMO ?? fileURLToPath(new URL('../../target/debug/adit-demo', import.meta.url));
const PROGRAM = join(dirname(DEMO), 'adit-agent');

export class Agent {
  private process: ChildProcess | undefined;

  private constructor(private readonly folder: string) {}

  /** Enrols a new device under a name; its configuration begins with these lines. */
  static async enrol(
    serverUrl: string,
    installKey: string,
    name: string,
    configuration = '',
  ): Promise<Agent> {
    const folder = await mkdtemp(join(tmpdir(), 'adit-agent-'));
    const agent = new Agent(folder);
    await writeFile(agent.config, configuration);
    const words = ['enroll', '--server', serverUrl, '--key', installKey, '--name', name];
    await promisify(execFile)(PROGRAM, [...words, '--config', agent.config]);
    return agent;
  }

  /** Another agent with the same key, as from a copied disk; not running. */
  async copy(): Promise<Agent> {
    const folder = await mkdtemp(join(tmpdir(), 'adit-agent-'));
    await cp(this.folder, folder, { recursive: true });
    return new Agent(folder);
  }

  run(): void {
    this.process = spawn(PROGRAM, ['run', '--config', this.config], { stdio: 'ignore' });
  }

  async end(): Promise<void> {
    this.process?.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  private get config(): string {
    return join(this.folder, 'agent.toml');
  }
}
