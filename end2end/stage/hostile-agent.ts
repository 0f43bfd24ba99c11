// An agent that lies about its device: a program for tests, see its own source.
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEMO =
  process.env.ADIT_DEMO ?? fileURLToPath(new URL('../../target/debug/adit-demo', import.meta.url));
const PROGRAM = join(dirname(DEMO), 'examples', 'hostile_agent');

export class HostileAgent {
  private constructor(private readonly process: ChildProcess) {}

  /** Enrols a device of its own and connects; ends with the story. */
  static start(serverUrl: string, installKey: string): HostileAgent {
    return new HostileAgent(spawn(PROGRAM, [serverUrl, installKey], { stdio: ['ignore', 'inherit', 'inherit'] }));
  }

  end(): void {
    this.process.kill('SIGKILL');
  }
}
