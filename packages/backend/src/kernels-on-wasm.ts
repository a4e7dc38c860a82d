/** Kernels of our own that stand in for those of tfjs's wasm device. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { convolveForward, convolveToFilter, convolveToImage } from './convolution-on-wasm.ts';
import { gatherAlong, gatherBlocks, gatherEach, scatterBlocks, scatterEach } from './gather-on-wasm.ts';
import { join, pad } from './joining-on-wasm.ts';
import { pool, spread } from './pooling-on-wasm.ts';
import { product } from './product-on-wasm.ts';
import type { Attributes } from './program.ts';
import { reduction } from './reduction-on-wasm.ts';
import { view } from './view-on-wasm.ts';

const views: { readonly [kernel: string]: (x: TensorInfo, attributes: Attributes) => readonly number[] } = {
  Transpose: ({ shape }, { perm }) => (perm as readonly number[]).map((axis) => shape[axis] as number),
  Slice: (_, { size }) => size as readonly number[],
  Reverse: ({ shape }) => shape,
  Tile: ({ shape }, { reps }) => shape.map((n, axis) => n * (reps as readonly number[])[axis]!),
};

/** Kernels for all that a program may hold. */
const own: { readonly [kernel: string]: KernelFunc | undefined } = {
  BatchMatMul: product,
  Conv2D: convolveForward,
  Conv2DBackpropInput: convolveToImage,
  Conv2DBackpropFilter: convolveToFilter,
  AvgPoolTranspose: spread,
  Concat: join(false),
  Pack: join(true),
  ...Object.fromEntries(Object.entries(views).map(([kernel, shapeOf]) => [kernel, view(kernel, shapeOf)])),
};

/** Kernels for some dtypes, which leave others to the kernel that is registered. */
const ofSome: { readonly [kernel: string]: ((registered: KernelFunc) => KernelFunc) | undefined } = {
  Sum: reduction('Sum'),
  Max: reduction('Max'),
  Min: reduction('Min'),
  GatherV2: gatherAlong,
  GatherNd: gatherBlocks,
  ScatterNd: scatterBlocks,
  GatherEach: gatherEach,
  ScatterEach: scatterEach,
  MaxPool: pool('maxima'),
  MaxPoolArgmax: pool('places'),
  AvgPool: pool('means'),
  PadV2: pad,
};

/** What runs a kernel on wasm, given what is registered for it. */
export function kernelOnWasm(kernel: string, registered: KernelFunc | undefined): KernelFunc | undefined {
  return own[kernel] ?? (registered && (ofSome[kernel]?.(registered) ?? registered));
}
