import { getBackend, ready, setBackend as setTfjsBackend } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';

/** Names of devices that have an entry point here. */
export type DeviceName = 'cpu' | 'wasm' | 'webgpu';

/**
 * Makes a device current, for tfjs and for programs. Its entry point must have been imported (`import '@posteriors/backend/wasm'`).
 *
 * @throws if the device is not registered, or does not start.
 */
export async function setBackend(name: DeviceName): Promise<void> {
  const { registryFactory } = theEngine() as unknown as { registryFactory: object };
  if (!(name in registryFactory)) {
    const registered = Object.keys(registryFactory);
    throw new Error(
      `setBackend: the device '${name}' is not registered (registered: ${registered.length === 0 ? 'none' : registered.join(', ')}). ` +
        `Import '@posteriors/backend/${name}' first.`,
    );
  }
  if (!(await setTfjsBackend(name)))
    throw new Error(`setBackend: the device '${name}' did not start here; it is still '${getBackend()}'`);
  await ready();
}
