/** Sums, maxima and minima on wasm, along any axes. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { sizeOf } from './program.ts';
import { copyView } from './view-on-wasm.ts';
import { addressOf, withScratch } from './wasm-functions.ts';

type Reduction = 'Sum' | 'Max' | 'Min';

/** `[outer, size, inner]`, of which the middle is what a kernel works along. */
type Sizes = readonly [outer: number, size: number, inner: number];

/** The kernel of this name for float32; others are left to tfjs's. */
export const reduction =
  (kernel: Reduction) =>
  (tfjs: KernelFunc): KernelFunc =>
  (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [x] = inputs as readonly [TensorInfo];
    if (x.dtype !== 'float32') return tfjs(call);
    const { axis, reductionIndices } = attributes as { [name: string]: readonly number[] | undefined };
    const axes = (axis ?? reductionIndices) as readonly number[];
    const others = [...x.shape.keys()].filter((i) => !axes.includes(i));
    const shape = others.map((i) => x.shape[i] as number);
    return written(device, shape, 'float32', (out) => {
      const { extreme, sum } = assembly(device);
      const reduce = (from: number, [outer, size, inner]: Sizes): number =>
        kernel === 'Sum'
          ? sum(out, from, outer, size, inner)
          : extreme(out, from, outer, size, inner, Number(kernel === 'Min'));
      const sizes = neighbours(x.shape, axes);
      if (sizes !== undefined) return reduce(addressOf(device, x), sizes);
      const [count, all] = [sizeOf(shape), sizeOf(x.shape)];
      return withScratch(device, 4 * all, (rows) => {
        copyView(device, rows, 'Transpose', x, { perm: [...others, ...axes] });
        return reduce(rows, [count, all / count, 1]);
      });
    });
  };

/** The sizes where the axes that are not of length 1 are neighbours. */
function neighbours(shape: readonly number[], axes: readonly number[]): Sizes | undefined {
  const long = axes.filter((i) => shape[i] !== 1);
  const [first, last] = [Math.min(...long), Math.max(...long)];
  if (long.length === 0) return [sizeOf(shape), 1, 1];
  const size = sizeOf(shape.slice(first, last + 1));
  return size === sizeOf(long.map((i) => shape[i]!))
    ? [sizeOf(shape.slice(0, first)), size, sizeOf(shape.slice(last + 1))]
    : undefined;
}
