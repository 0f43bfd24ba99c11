// A device that a story brings along: an agent of its own, with the services it needs.
import { expect } from '@playwright/test';

import { Agent } from './agent.ts';
import type { Demo } from './demo.ts';
import type { DeviceList } from './pages/device-list.ts';

export interface OwnService {
  name: string;
  kind: 'ssh' | 'vnc' | 'tcp' | 'web';
  port: number;
}

export class OwnDevice {
  private constructor(
    readonly id: string,
    readonly name: string,
    /** Of its page, if it has one. */
    readonly pageUrl: string | undefined,
    private readonly agent: Agent,
  ) {}

  /** Enrolled, running and online. `settings` are lines of the agent's configuration. */
  static async enrol(
    devices: DeviceList,
    demo: Demo,
    name: string,
    services: OwnService[],
    settings: string[] = [],
  ): Promise<OwnDevice> {
    const installKey = await devices.page.evaluate(async () => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ name: 'a story' });
      const answer = await fetch('/api/v1/install-keys', { method: 'POST', headers, body });
      return (await answer.json()).secret as string;
    });
    const sections = services.map(
      ({ name, kind, port }) => `[[service]]\nname = "${name}"\nkind = "${kind}"\nport = ${port}\n`,
    );
    const configuration = [...settings, ...sections].join('\n');
    const agent = await Agent.enrol(demo.url, installKey, name, `${configuration}\n`);
    agent.run();
    try {
      const { id, pageUrl } = await online(devices, name, services.some(({ kind }) => kind === 'web'));
      return new OwnDevice(id, name, pageUrl, agent);
    } catch (error) {
      await agent.end();
      throw error;
    }
  }

  /** A second agent with this one's key; it runs. The caller ends it. */
  async copyAgent(): Promise<Agent> {
    const copy = await this.agent.copy();
    copy.run();
    return copy;
  }

  async end(): Promise<void> {
    await this.agent.end();
  }
}

interface Online {
  id: string;
  pageUrl?: string;
}

async function online(devices: DeviceList, name: string, hasPage: boolean): Promise<Online> {
  let found: Online | undefined;
  await expect(async () => {
    found = await devices.page.evaluate(async (wanted) => {
      const answer = await fetch('/api/v1/devices');
      const list = (await answer.json()).items as {
        id: string;
        name: string;
        state: string;
        services: { url?: string }[];
      }[];
      const device = list.find((device) => device.name === wanted && device.state === 'online');
      const pageUrl = device?.services.find((service) => service.url)?.url;
      return device && { id: device.id, pageUrl };
    }, name);
    expect(found).toBeTruthy();
    expect(Boolean(found!.pageUrl) || !hasPage).toBe(true);
  }).toPass({ timeout: 30_000 });
  return found!;
}
