// Dropbear, the SSH server of small devices, with an account that only it sees.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort, listening } from './port.ts';

/** As `openssl passwd -6` makes it of {@link Dropbear.password}. */
const PASSWORD_HASH =
  '$6$aditaditadit$MERqhFGXywf.hxQYVvCMGPadN39GiMUSCk7ayd6lRwhIDfDLGFICbHJPLgMif5M2OK6MCT5g0YFL2X83.BJRZ0';

/** Puts the account's files over the machine's, by mounts that end with the process. */
const SCRIPT =
  'for file in passwd shadow; do mount --bind "$0/$file" /etc/$file || exit 1; done; exec "$@"';

export class Dropbear {
  readonly user = 'root';
  readonly password = 'correct horse';

  private constructor(
    readonly port: number,
    /** Its public host key, in a file. */
    readonly hostKeyFile: string,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(): Promise<Dropbear> {
    const folder = await mkdtemp(join(tmpdir(), 'adit-dropbear-'));
    const run = promisify(execFile);
    const hostKey = join(folder, 'host');
    const made = await run('dropbearkey', ['-t', 'ed25519', '-f', hostKey]);
    const line = made.stdout.split('\n').find((text) => text.startsWith('ssh-'));
    await writeFile(`${hostKey}.pub`, `${line}\n`);
    const accounts = [
      `root:x:0:0:root:${folder}:/bin/sh`,
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    ];
    await writeFile(join(folder, 'passwd'), `${accounts.join('\n')}\n`);
    await writeFile(join(folder, 'shadow'), `root:${PASSWORD_HASH}:20000:0:99999:7:::\n`);
    const port = await freePort();
    const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const dropbear = ['dropbear', '-F', '-E', '-p', `127.0.0.1:${port}`, '-r', hostKey];
    const words = [...asRoot, '--mount', 'sh', '-c', SCRIPT, folder, ...dropbear];
    const child = spawn('unshare', [...words, '-P', join(folder, 'pid')], { stdio: 'ignore' });
    await listening(port, 'dropbear');
    return new Dropbear(port, `${hostKey}.pub`, folder, child);
  }

  async end(): Promise<void> {
    this.process.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
