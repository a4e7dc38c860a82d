/** Sums, maxima and minima on wasm, along any axes. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly } from './assembly.ts';
import { sizeOf } from './program.ts';
import { copyView } from './view-on-wasm.ts';
import { addressOf, newTensor, withScratch } from './wasm-functions.ts';

type Reduction = 'Sum' | 'Max' | 'Min';

/** `[outer, size, inner]`, of which the middle is what a kernel works along. */
type Sizes = readonly [outer: number, size: number, inner: number];

/** The kernel of this name for float32; others are left to tfjs's. */
export const reduction =
  (kernel: Reduction) =>
  (tfjs: KernelFunc): KernelFunc =>
  (call) => {
    const device = call.backend as KernelBackend;
    const x = call.inputs['x'] as TensorInfo;
    if (x.dtype !== 'float32') return tfjs(call);
    const { axis, reductionIndices } = call.attrs as unknown as { [name: string]: readonly number[] | undefined };
    const axes = (axis ?? reductionIndices) as readonly number[];
    const others = [...x.shape.keys()].filter((i) => !axes.includes(i));
    const result = newTensor(
      device,
      others.map((i) => x.shape[i]!),
      'float32',
    );
    const out = addressOf(device, result);
    const { extreme, sum } = assembly(device);
    const reduce = (start: number, [outer, size, inner]: Sizes): unknown =>
      kernel === 'Sum'
        ? sum(out, start, outer, size, inner)
        : extreme(out, start, outer, size, inner, Number(kernel === 'Min'));
    const sizes = neighbours(x.shape, axes);
    if (sizes !== undefined) {
      reduce(addressOf(device, x), sizes);
    } else {
      const [count, all] = [sizeOf(result.shape), sizeOf(x.shape)];
      withScratch(device, 4 * all, (rows) => {
        copyView(device, rows, 'Transpose', x, { perm: [...others, ...axes] });
        reduce(rows, [count, all / count, 1]);
      });
    }
    return result;
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
