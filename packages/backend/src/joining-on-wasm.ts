/** Tensors side by side in a larger one, on wasm: joined, stacked or surrounded by a number. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, withIntegers, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { sizeOf } from './program.ts';
import { stridesOf } from './view.ts';
import { bytesOf } from './view-on-wasm.ts';
import { addressOf } from './wasm-functions.ts';

type Numbers = readonly number[];

/** Along an axis that each has, or, if `stacks`, along a new one. */
export const join =
  (stacks: boolean): KernelFunc =>
  (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [first] = inputs as readonly [TensorInfo, ...TensorInfo[]];
    const axis = attributes['axis'] as number;
    const [before, after] = [first.shape.slice(0, axis), first.shape.slice(stacks ? axis : axis + 1)];
    const lengthOf = ({ shape }: { readonly shape: Numbers }): number => (stacks ? 1 : (shape[axis] as number));
    const length = inputs.reduce((sum, input) => sum + lengthOf(input), 0);
    const [count, bytes] = [sizeOf(before), sizeOf(after) * bytesOf(first)];
    const from = inputs.map((input) => addressOf(device, input));
    return written(device, [...before, length, ...after], first.dtype, (out) => {
      let to = out;
      inputs.forEach((input, i) => {
        const own = lengthOf(input) * bytes;
        assembly(device).copyRows(to, length * bytes, from[i] as number, count, own);
        to += own;
      });
    });
  };

/** A number around a tensor; not of bool, whose elements have one byte. */
export const pad =
  (other: KernelFunc): KernelFunc =>
  (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [x] = inputs as readonly [TensorInfo];
    if (x.dtype === 'bool') return other(call);
    const { paddings, constantValue } = attributes as { paddings: readonly [number, number][]; constantValue: number };
    const shape = x.shape.map((n, axis) => n + paddings[axis]![0] + paddings[axis]![1]);
    const [strides, stridesOut] = [stridesOf(x.shape), stridesOf(shape)];
    const first = paddings.reduce((sum, [before], axis) => sum + before * stridesOut[axis]!, 0);
    // Two axes at least.
    const axes = [1, 0, 0, 1, 0, 0, ...x.shape.flatMap((n, axis) => [n, 4 * strides[axis]!, 4 * stridesOut[axis]!])];
    const { copyView, fill } = assembly(device);
    return written(device, shape, x.dtype, (out) => {
      fill(out, bitsOf(constantValue, x.dtype), sizeOf(shape));
      return withIntegers(device, axes, (address) =>
        copyView(out + 4 * first, addressOf(device, x), address, axes.length / 3, 4),
      );
    });
  };

/** The 32 bits of a number in a dtype. */
function bitsOf(value: number, dtype: string): number {
  return dtype === 'float32' ? new Int32Array(Float32Array.of(value).buffer)[0]! : value;
}
