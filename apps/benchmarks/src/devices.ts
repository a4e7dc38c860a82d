import { setBackend } from 'posteriors';
import type { Missing } from './contender.ts';

export const DEVICES = ['cpu', 'wasm', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

/** Which of the devices start here, and why the others do not. */
export async function startDevices(
  wanted: readonly Device[],
): Promise<{ readonly present: Device[]; readonly missing: Missing[] }> {
  const present: Device[] = [];
  const missing: Missing[] = [];
  for (const device of wanted) {
    try {
      if (device === 'webgpu') await provideWebGPU();
      await setBackend(device);
      present.push(device);
    } catch (error) {
      missing.push({ name: device, missing: (error as Error).message });
    }
  }
  return { present, missing };
}

/** Loads data with cpu as the device, which can be read at once, and goes back to the other. */
export async function loadOnCpu<T>(device: Device, load: () => Promise<T>): Promise<T> {
  await setBackend('cpu');
  const data = await load();
  await setBackend(device);
  return data;
}

/** Node has no WebGPU of its own: the package `webgpu` brings it. */
async function provideWebGPU(): Promise<void> {
  if (globalThis.navigator?.gpu !== undefined) return;
  const { create, globals } = await import('webgpu');
  const gpu = create([]);
  if ((await gpu.requestAdapter()) === null) throw new Error('the package webgpu finds no adapter');
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}
