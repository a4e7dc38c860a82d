/** Copies of elements at regular places, on wasm: transposed, cut out, reversed or repeated. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, withIntegers, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import type { Attributes } from './program.ts';
import { stridesOf, viewOf } from './view.ts';
import { addressOf } from './wasm-functions.ts';

/** An axis of a view: its length, and how many bytes its elements lie apart in what is read and in what is made. */
type Axis = readonly [size: number, from: number, out: number];

/** The kernel of this name, whose result has the shape that `shapeOf` tells. */
export function view(
  kernel: string,
  shapeOf: (x: TensorInfo, attributes: Attributes) => readonly number[],
): KernelFunc {
  return (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [x] = inputs as readonly [TensorInfo];
    return written(device, shapeOf(x, attributes), x.dtype, (out) => copyView(device, out, kernel, x, attributes));
  };
}

/** Writes what a kernel sees of `x` to an address. */
export function copyView(
  device: KernelBackend,
  out: number,
  kernel: string,
  x: TensorInfo,
  attributes: Attributes,
): void {
  const { sizes, strides, offset } = viewOf(kernel, x.shape, attributes);
  const bytes = x.dtype === 'bool' ? 1 : 4;
  const outStrides = stridesOf(sizes);
  const axes = inOrder(
    sizes.map((size, i): Axis => [size, strides[i]! * bytes, outStrides[i]! * bytes]),
    bytes,
  );
  const from = addressOf(device, x) + offset * bytes;
  withIntegers(device, axes.flat(), (address) => assembly(device).copyView(out, from, address, axes.length, bytes));
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
