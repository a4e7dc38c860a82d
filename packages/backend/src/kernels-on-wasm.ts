/** Kernels of our own that stand in for those of tfjs's wasm device. */
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { type CallsOf, kernelOfCalls } from './calls.ts';
import { convolveForward, convolveToFilter, convolveToImage } from './convolution-on-wasm.ts';
import { gatherAlong, gatherBlocks, gatherEach, scatterBlocks, scatterEach } from './gather-on-wasm.ts';
import { fill, join, pad } from './joining-on-wasm.ts';
import { pool, spread } from './pooling-on-wasm.ts';
import { product } from './product-on-wasm.ts';
import { reduction } from './reduction-on-wasm.ts';
import { view } from './view-on-wasm.ts';

/** Kernels that are calls; what they leave, the kernel that is registered does. */
const calls: { readonly [kernel: string]: CallsOf | undefined } = {
  BatchMatMul: product,
  Conv2D: convolveForward,
  Conv2DBackpropInput: convolveToImage,
  Conv2DBackpropFilter: convolveToFilter,
  MaxPool: pool('maxima'),
  MaxPoolArgmax: pool('places'),
  AvgPool: pool('means'),
  AvgPoolTranspose: spread,
  Sum: reduction('Sum'),
  Max: reduction('Max'),
  Min: reduction('Min'),
  GatherNd: gatherBlocks,
  ScatterNd: scatterBlocks,
  GatherEach: gatherEach,
  ScatterEach: scatterEach,
  Concat: join(false),
  Pack: join(true),
  PadV2: pad,
  Fill: fill,
  ...Object.fromEntries(['Transpose', 'Slice', 'Reverse', 'Tile'].map((kernel) => [kernel, view(kernel)])),
};

/** What runs a kernel on wasm, given what is registered for it. */
export function kernelOnWasm(kernel: string, registered: KernelFunc | undefined): KernelFunc | undefined {
  const own = calls[kernel];
  if (own !== undefined) return kernelOfCalls(own, registered);
  return kernel === 'GatherV2' && registered !== undefined ? gatherAlong(registered) : registered;
}
