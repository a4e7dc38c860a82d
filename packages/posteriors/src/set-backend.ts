import { type DeviceName, setBackend as setRegistered } from '@posteriors/backend';

/** Registers a device; what is not asked for is not loaded. */
const load: { readonly [name in DeviceName]: () => Promise<unknown> } = {
  webgpu: () => import('@posteriors/backend/webgpu'),
  wasm: () => import('@posteriors/backend/wasm'),
  cpu: () => import('@posteriors/backend/cpu'),
};

/**
 * Loads a device and makes it current, for TensorFlow.js and for everything here. Resolves to its name.
 *
 * `'auto'` takes the first that starts of WebGPU, WebAssembly and plain JavaScript.
 *
 * @throws if the device does not start here; what was current stays so.
 */
export async function setBackend(name: 'auto' | DeviceName): Promise<DeviceName> {
  if (name !== 'auto') {
    if (!Object.hasOwn(load, name))
      throw new Error(`setBackend: there is no device '${name}'; there are auto, ${Object.keys(load).join(', ')}`);
    await load[name]();
    await setRegistered(name);
    return name;
  }
  const candidates = Object.keys(load) as DeviceName[];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    if (candidate === 'webgpu' && !('gpu' in (globalThis.navigator ?? {}))) continue;
    try {
      return await setBackend(candidate);
    } catch (error) {
      reasons.push(`${candidate}: ${(error as Error).message}`);
    }
  }
  throw new Error(`setBackend: no device starts here (${reasons.join('; ')})`);
}
