/** Kernels of our own that stand in for those of tfjs's wasm device. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { gatherAlong, gatherBlocks, scatterBlocks } from './gather-on-wasm.ts';
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

/** What runs a kernel, given tfjs's for what it leaves to that. */
export const kernelsOnWasm: { readonly [kernel: string]: ((tfjs: KernelFunc) => KernelFunc) | undefined } = {
  BatchMatMul: () => product,
  Sum: reduction('Sum'),
  Max: reduction('Max'),
  Min: reduction('Min'),
  GatherV2: gatherAlong,
  GatherNd: gatherBlocks,
  ScatterNd: scatterBlocks,
  ...Object.fromEntries(Object.entries(views).map(([kernel, shapeOf]) => [kernel, () => view(kernel, shapeOf)])),
};
