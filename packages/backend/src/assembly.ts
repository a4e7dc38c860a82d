/** The functions of `assembly`, WebAssembly in the memory of tfjs's wasm device. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmDevice } from './host-memory.ts';
import { binary } from './kernels.wasm.ts';
import { addressOf, newTensor, type WasmFunction, wasmFunctions, withScratch } from './wasm-functions.ts';

type Name =
  | 'allFinite'
  | 'convolveForward'
  | 'convolveScratch'
  | 'convolveToFilter'
  | 'convolveToImage'
  | 'copyRows'
  | 'copyView'
  | 'extreme'
  | 'fill'
  | 'firstOutside'
  | 'gather'
  | 'multiply'
  | 'multiplyScratch'
  | 'pool'
  | 'scatter'
  | 'sum';

export const assembly: (device: KernelBackend) => Readonly<Record<Name, WasmFunction>> = wasmFunctions<Name>(binary);

/** What `use` makes of an address where these integers lie. */
export function withIntegers<R>(device: KernelBackend, integers: readonly number[], use: (address: number) => R): R {
  return withScratch(device, 4 * integers.length, (address) => {
    new Int32Array((device as WasmDevice).wasm.asm.memory.buffer, address, integers.length).set(integers);
    return use(address);
  });
}

/** A new tensor whose elements `write` sets, given where they are to lie; if it fails, nothing is left. */
export function written(
  device: KernelBackend,
  shape: readonly number[],
  dtype: string,
  write: (address: number) => unknown,
): TensorInfo {
  const result = newTensor(device, shape, dtype);
  try {
    write(addressOf(device, result));
    return result;
  } catch (error) {
    device.disposeData(result.dataId);
    throw error;
  }
}
