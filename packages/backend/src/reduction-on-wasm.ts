/** Sums, maxima and minima on wasm, along any axes. */
import { assembly } from './assembly.ts';
import { type Address, type Call, type CallsOf, call, input, integers, result, scratch } from './calls.ts';
import { sizeOf } from './program.ts';
import { copyOf } from './view-on-wasm.ts';

type Reduction = 'Sum' | 'Max' | 'Min';

/** `[outer, size, inner]`, of which the middle is what a kernel works along. */
type Sizes = readonly [outer: number, size: number, inner: number];

/** The kernel of this name for float32. */
export const reduction =
  (kernel: Reduction): CallsOf =>
  ({ inputs: [x], attributes }) => {
    if (x!.dtype !== 'float32') return undefined;
    const { axis, reductionIndices } = attributes as { [name: string]: readonly number[] | undefined };
    const axes = (axis ?? reductionIndices) as readonly number[];
    const others = [...x!.shape.keys()].filter((i) => !axes.includes(i));
    const shape = others.map((i) => x!.shape[i] as number);
    const reduced = { shape, dtype: 'float32' } as const;
    const sizes = neighbours(x!.shape, axes);
    if (sizes !== undefined) return { result: reduced, calls: [reduce(kernel, input(0), sizes)] };
    const [count, all] = [sizeOf(shape), sizeOf(x!.shape)];
    const { offset, axes: moved, rank, bytes } = copyOf('Transpose', x!, { perm: [...others, ...axes] });
    return {
      result: reduced,
      integers: moved,
      scratch: 4 * all,
      calls: [
        call(assembly, 'copyView', scratch(), input(0, offset), integers(), rank, bytes),
        reduce(kernel, scratch(), [count, all / count, 1]),
      ],
    };
  };

function reduce(kernel: Reduction, from: Address, sizes: Sizes): Call {
  if (kernel === 'Sum') return call(assembly, 'sum', result(), from, ...sizes);
  return call(assembly, 'extreme', result(), from, ...sizes, Number(kernel === 'Min'));
}

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
