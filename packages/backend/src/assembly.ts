/** The functions of `assembly`, WebAssembly in the memory of tfjs's wasm device. */
import type { KernelBackend } from '@tensorflow/tfjs-core';
import type { WasmDevice } from './host-memory.ts';
import { binary } from './kernels.wasm.ts';
import { type WasmFunction, wasmFunctions, withScratch } from './wasm-functions.ts';

type Name = 'copyView' | 'firstOutside' | 'gather' | 'extreme' | 'multiply' | 'multiplyScratch' | 'scatter' | 'sum';

export const assembly: (device: KernelBackend) => Readonly<Record<Name, WasmFunction>> = wasmFunctions<Name>(binary);

/** What `use` makes of an address where these integers lie. */
export function withIntegers<R>(device: KernelBackend, integers: readonly number[], use: (address: number) => R): R {
  return withScratch(device, 4 * integers.length, (address) => {
    new Int32Array((device as WasmDevice).wasm.asm.memory.buffer, address, integers.length).set(integers);
    return use(address);
  });
}
