/** Slices on wasm. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { elementsOf, type WasmDevice } from './host-memory.ts';

/** tfjs's kernel on wasm copies the whole tensor first, however little of it is asked for: here it reads the memory itself. */
export function withoutCopy(slice: KernelFunc): KernelFunc {
  return (parameters) => {
    const x = parameters.inputs['x'] as TensorInfo;
    const device = parameters.backend as WasmDevice;
    const { size } = parameters.attrs as unknown as { readonly size: readonly number[] };
    // Before the memory is read, since to make a tensor may move it.
    const result = device.makeOutput([...size], x.dtype);
    const backend = Object.create(device, {
      makeOutput: { value: () => result },
      readSync: { value: () => elementsOf(device, x) },
    }) as WasmDevice;
    try {
      return slice({ ...parameters, backend });
    } catch (error) {
      device.disposeData(result.dataId);
      throw error;
    }
  };
}
