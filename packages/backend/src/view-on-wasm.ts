/** Copies of elements at regular places, on wasm: transposed, cut out, reversed or repeated. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, withIntegers, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { type Attributes, sameShape } from './program.ts';
import { stridesOf, viewOf } from './view.ts';
import { addressOf } from './wasm-functions.ts';

type Numbers = readonly number[];

/** An axis of a view: its length, and how many bytes its elements lie apart in what is read and in what is made. */
type Axis = readonly [size: number, from: number, out: number];

/** How to copy what a kernel sees of a tensor. */
interface Copy {
  /** Of the tensor that is read. */
  readonly shape: Numbers;
  /** Of an element. */
  readonly bytes: number;
  /** Where the first element lies, in bytes. */
  readonly offset: number;
  readonly rank: number;
  /** As many axes, flattened. */
  readonly axes: Numbers;
}

/** The kernel of this name, whose result has the shape that `shapeOf` tells. */
export function view(kernel: string, shapeOf: (x: TensorInfo, attributes: Attributes) => Numbers): KernelFunc {
  // An equation is run many times, each with the same attributes.
  const copies = new WeakMap<Attributes, Copy>();
  return (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [x] = inputs as readonly [TensorInfo];
    const known = copies.get(attributes);
    const isRight = known !== undefined && known.bytes === bytesOf(x) && sameShape(known.shape, x.shape);
    const copy = isRight ? known : copyOf(kernel, x, attributes);
    if (!isRight) copies.set(attributes, copy);
    return written(device, shapeOf(x, attributes), x.dtype, (out) => run(device, out, x, copy));
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
  run(device, out, x, copyOf(kernel, x, attributes));
}

function run(device: KernelBackend, out: number, x: TensorInfo, { offset, axes, rank, bytes }: Copy): void {
  const from = addressOf(device, x) + offset;
  withIntegers(device, axes, (address) => assembly(device).copyView(out, from, address, rank, bytes));
}

/** The bytes of an element of a tensor. */
export function bytesOf({ dtype }: TensorInfo): number {
  return dtype === 'bool' ? 1 : 4;
}

function copyOf(kernel: string, x: TensorInfo, attributes: Attributes): Copy {
  const { sizes, strides, offset } = viewOf(kernel, x.shape, attributes);
  const bytes = bytesOf(x);
  const outStrides = stridesOf(sizes);
  const axes = inOrder(
    sizes.map((size, i): Axis => [size, strides[i]! * bytes, outStrides[i]! * bytes]),
    bytes,
  );
  return { shape: x.shape, bytes, offset: offset * bytes, rank: axes.length, axes: axes.flat() };
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
