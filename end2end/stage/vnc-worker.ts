// The VNC client's Worker without the page around it: what the page does not offer can be chosen,
// and its picture be compared pixel by pixel.
import type { Evaluates } from './bare-browser.ts';
import type { Pixels } from './screen.ts';

interface Options {
  deviceId: string;
  service: string;
  quality: 'automatic' | 'lossless' | 'high' | 'medium' | 'low';
  /** By number; no others are taken. */
  encodings: number[];
}

interface Message {
  kind: string;
  rectangles?: [number, number][];
  took_us?: number;
}

interface Held {
  worker: Worker;
  /** What the stream has carried, as told last. */
  traffic?: { sent_bytes: number; received_bytes: number };
  send(message: object): void;
  next(kind: string): Promise<Message>;
  picture(): Promise<Uint8Array>;
}

/** In a page of the manager, signed in. Returns once the first picture is drawn: how long that took
 * from dialling on, in ms. */
export async function startWorker(page: Evaluates, options: Options): Promise<number> {
  return page.evaluate(async ({ deviceId, service, quality, encodings }) => {
    const table = JSON.parse(document.getElementById('modules')!.textContent!) as { vnc: string };
    const worker = new Worker(table.vnc, { type: 'module' });
    const held: { traffic?: object } = {};
    const waiting = new Map<string, ((message: unknown) => void)[]>();
    const next = (kind: string) =>
      new Promise((resolve) => waiting.set(kind, [...(waiting.get(kind) ?? []), resolve]));
    worker.onmessage = ({ data }) => {
      const message = typeof data !== 'string' ? { kind: 'bytes', data }
        : data === 'ready' ? { kind: 'ready' } : JSON.parse(data);
      if (message.kind === 'traffic') held.traffic = message;
      const all = waiting.get(message.kind) ?? [];
      waiting.delete(message.kind);
      for (const resolve of all) resolve(message);
    };
    const send = (message: object) => worker.postMessage(JSON.stringify(message));
    const picture = async () => {
      const bytes = next('bytes');
      send({ kind: 'screenshot' });
      return ((await bytes) as { data: Uint8Array }).data;
    };
    Object.assign(held, { worker, send, next, picture });
    Object.assign(globalThis, { vnc: held });
    await next('ready');
    // A picture that nobody sees gets no frames to draw in.
    const element = document.createElement('canvas');
    element.style = 'position: fixed; inset: 0; pointer-events: none';
    document.body.append(element);
    const canvas = element.transferControlToOffscreen();
    worker.postMessage(canvas, [canvas]);
    const socket = location.origin.replace(/^http/, 'ws');
    const url = `${socket}/api/v1/devices/${deviceId}/services/${service}/stream`;
    const running = next('running');
    const began = performance.now();
    send({ kind: 'open', url, quality, encodings });
    await running;
    return performance.now() - began;
  }, options);
}

export async function endWorker(page: Evaluates): Promise<void> {
  await page.evaluate(() => {
    (globalThis as unknown as { vnc: Held }).vnc.worker.terminate();
    document.querySelector('body > canvas')?.remove();
  }, undefined);
}

/** Has the whole picture sent anew; gives how many rectangles have come, by encoding. */
export async function refresh(page: Evaluates): Promise<Map<number, number>> {
  const rectangles = await page.evaluate(async () => {
    const { send, next } = (globalThis as unknown as { vnc: Held }).vnc;
    const refreshed = next('refreshed');
    send({ kind: 'refresh' });
    return (await refreshed).rectangles!;
  }, undefined);
  return new Map(rectangles);
}

/** So many whole pictures, one after the other: how long each took from the request until it was
 * drawn, in ms. By the Worker, which asks by itself where nobody measures. */
export async function timeFrames(page: Evaluates, frames: number): Promise<number[]> {
  return page.evaluate(async (frames) => {
    const { send, next } = (globalThis as unknown as { vnc: Held }).vnc;
    const times: number[] = [];
    for (let done = 0; done < frames; done++) {
      const refreshed = next('refreshed');
      send({ kind: 'refresh' });
      times.push((await refreshed).took_us! / 1000);
    }
    return times;
  }, frames);
}

/** Bytes that have gone up since the stream began. */
export async function sentBytes(page: Evaluates): Promise<number> {
  return page.evaluate(() => (globalThis as unknown as { vnc: Held }).vnc.traffic?.sent_bytes ?? 0, undefined);
}

/** What is drawn. */
export async function drawn(page: Evaluates): Promise<Pixels> {
  const { width, height, base64 } = await page.evaluate(async () => {
    const png = await (globalThis as unknown as { vnc: Held }).vnc.picture();
    const bitmap = await createImageBitmap(new Blob([png as BlobPart], { type: 'image/png' }));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const parts: string[] = [];
    const row = new Uint8Array(width * 3);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let part = 0; part < 3; part++) row[x * 3 + part] = data[(y * width + x) * 4 + part]!;
      }
      parts.push(String.fromCharCode(...row));
    }
    return { width, height, base64: btoa(parts.join('')) };
  }, undefined);
  return { width, height, rgb: Buffer.from(base64, 'base64') };
}
