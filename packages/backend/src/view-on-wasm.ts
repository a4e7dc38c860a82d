/** Copies of elements at regular places, on wasm: transposed, cut out, reversed or repeated. */
import { assembly } from './assembly.ts';
import { type CallsOf, call, input, integers, result } from './calls.ts';
import type { Attributes, Aval } from './program.ts';
import { shapeOfView, stridesOf, viewOf } from './view.ts';

type Numbers = readonly number[];

/** An axis of a view: its length, and how many bytes its elements lie apart in what is read and in what is made. */
type Axis = readonly [size: number, from: number, out: number];

/** How to copy what a kernel sees of a tensor. */
interface Copy {
  /** Of an element. */
  readonly bytes: number;
  /** Where the first element lies, in bytes. */
  readonly offset: number;
  readonly rank: number;
  /** As many axes, flattened. */
  readonly axes: Numbers;
}

/** The kernel of this name. */
export const view =
  (kernel: string): CallsOf =>
  ({ inputs: [x], attributes }) => {
    const { offset, axes, rank, bytes } = copyOf(kernel, x!, attributes);
    return {
      result: { shape: shapeOfView(kernel, x!.shape, attributes), dtype: x!.dtype },
      integers: axes,
      calls: [call(assembly, 'copyView', result(), input(0, offset), integers(), rank, bytes)],
    };
  };

/** The bytes of an element of a tensor. */
export function bytesOf({ dtype }: Pick<Aval, 'dtype'>): number {
  return dtype === 'bool' ? 1 : 4;
}

/** How `copyView` of `assembly` copies what a kernel sees of a tensor. */
export function copyOf(kernel: string, x: Aval, attributes: Attributes): Copy {
  const { sizes, strides, offset } = viewOf(kernel, x.shape, attributes);
  const bytes = bytesOf(x);
  const outStrides = stridesOf(sizes);
  const axes = inOrder(
    sizes.map((size, i): Axis => [size, strides[i]! * bytes, outStrides[i]! * bytes]),
    bytes,
  );
  return { bytes, offset: offset * bytes, rank: axes.length, axes: axes.flat() };
}

/** At least two axes: the last of the result, before it the one whose elements lie side by side in what is read, the others in front. */
function inOrder(axes: readonly Axis[], bytes: number): Axis[] {
  const last = axes.at(-1) ?? [1, bytes, bytes];
  const others = axes.slice(0, -1);
  if (others.length === 0) return [[1, 0, 0], last];
  const adjacent = others.findIndex(([, from]) => from === bytes);
  const [before] = others.splice(adjacent < 0 ? others.length - 1 : adjacent, 1) as [Axis];
  return [...others, before, last];
}
