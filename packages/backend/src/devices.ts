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
  const restoreHandlers = noteErrorHandlers();
  const started = await setTfjsBackend(name).finally(restoreHandlers);
  if (!started) {
    // tfjs has let go of the one before.
    if (current !== undefined) await setTfjsBackend(current);
    throw new Error(
      `setBackend: the device '${name}' did not start here${current === undefined ? '' : `; it is still '${current}'`}`,
    );
  }
  await ready();
}

const errorEvents = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * In Node, tfjs's wasm module handles uncaught errors of the whole process by throwing them again, so that Node prints the module's source
 * in front of them. The function returned takes such handlers off.
 */
function noteErrorHandlers(): () => void {
  const { process } = globalThis as { readonly process?: unknown } as { readonly process?: Partial<ErrorSource> };
  if (process?.listeners === undefined || process.removeListener === undefined) return () => {};
  const { listeners, removeListener } = process;
  const before = new Set(errorEvents.flatMap((event) => listeners.call(process, event)));
  return () => {
    for (const event of errorEvents) {
      for (const handler of listeners.call(process, event)) {
        if (!before.has(handler)) removeListener.call(process, event, handler);
      }
    }
  };
}

type ErrorHandler = (...args: never[]) => void;

interface ErrorSource {
  listeners(event: string): ErrorHandler[];
  removeListener(event: string, handler: ErrorHandler): unknown;
}
