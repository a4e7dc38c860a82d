/** The functions of `assembly`, WebAssembly in the memory of tfjs's wasm device. */
import type { KernelBackend } from '@tensorflow/tfjs-core';
import { binary } from './kernels.wasm.ts';
import { type WasmFunction, wasmFunctions } from './wasm-functions.ts';

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
  | 'gatherEach'
  | 'multiply'
  | 'multiplyScratch'
  | 'pool'
  | 'scatter'
  | 'scatterEach'
  | 'sum';

export const assembly: (device: KernelBackend) => Readonly<Record<Name, WasmFunction>> = wasmFunctions<Name>(binary);
