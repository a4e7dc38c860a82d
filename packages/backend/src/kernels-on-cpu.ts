/** Kernels of our own that stand in for those of tfjs's cpu device. */
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { type FillOf, kernelOfFill } from './fills.ts';
import { checked, gatherAlong, gatherBlocks, scatterBlocks } from './gather-on-cpu.ts';
import { fill, join, pad } from './joining-on-cpu.ts';
import { fillOnHost } from './on-host.ts';
import { product } from './product-on-cpu.ts';
import { reduction } from './reduction-on-cpu.ts';
import { view } from './view-on-cpu.ts';

const own: { readonly [kernel: string]: FillOf | undefined } = {
  BatchMatMul: product,
  Sum: reduction('Sum'),
  Max: reduction('Max'),
  Min: reduction('Min'),
  GatherV2: gatherAlong,
  GatherNd: gatherBlocks,
  ScatterNd: scatterBlocks,
  CheckedIndices: checked,
  Concat: join(false),
  Pack: join(true),
  PadV2: pad,
  Fill: fill,
  ...Object.fromEntries(['Transpose', 'Slice', 'Reverse', 'Tile'].map((kernel) => [kernel, view(kernel)])),
};

/** What runs a kernel on cpu, given what is registered for it. */
export function kernelOnCpu(kernel: string, registered: KernelFunc | undefined): KernelFunc | undefined {
  const fillOf = own[kernel] ?? fillOnHost(registered, kernel);
  return fillOf === undefined ? registered : kernelOfFill(fillOf, registered);
}
