import { ready, setBackend as setTfjsBackend } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';

/** Names of devices that have an entry point here. */
export type DeviceName = 'cpu' | 'wasm' | 'webgpu';

/**
 * Makes a device current, for tfjs and for programs. Its entry point must have been imported (`import '@posteriors/backend/wasm'`).
 *
 * @throws if the device is not registered, or does not start; what was current stays so.
 */
export async function setBackend(name: DeviceName): Promise<void> {
  const { registryFactory } = theEngine();
  const current: string | undefined = theEngine().backendName;
  if (!(name in registryFactory)) {
    const registered = Object.keys(registryFactory);
    const remedy =
      name === 'webgpu' && !('gpu' in (globalThis.navigator ?? {}))
        ? 'There is no WebGPU here: navigator.gpu is missing. In Node the npm package webgpu can provide it, before anything of this is imported.'
        : `Import '@posteriors/backend/${name}' first.`;
    throw new Error(
      `setBackend: the device '${name}' is not registered (registered: ${registered.length === 0 ? 'none' : registered.join(', ')}). ${remedy}`,
    );
  }
  if (!(await setTfjsBackend(name))) {
    // tfjs has let go of the one before.
    if (current !== undefined) await setTfjsBackend(current);
    throw new Error(
      `setBackend: the device '${name}' did not start here${current === undefined ? '' : `; it is still '${current}'`}`,
    );
  }
  await ready();
}
