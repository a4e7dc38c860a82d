/** What translations of kernels are written with. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { NamedInputs } from './engine.ts';
import { type DataType, hostValues, sameShape } from './program.ts';
import { constant, record } from './trace.ts';

export type RawAttributes = { readonly [name: string]: unknown };
export type Translation = (inputs: NamedInputs, attributes: RawAttributes) => Tensor | Tensor[];

/** Translations by the name of the tfjs kernel. */
export type Translations = { readonly [kernel: string]: Translation };

/** The translation of a kernel whose inputs have these names, in this order. */
export function named(
  names: string,
  translation: (tensors: Tensor[], attributes: RawAttributes) => Tensor | Tensor[],
): Translation {
  const list = names.split(' ');
  return (inputs, attributes) =>
    translation(
      list.map((name) => (inputs as { [name: string]: Tensor })[name] as Tensor),
      attributes,
    );
}

export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : record('Reshape', [x], { shape });
}

export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : record('BroadcastTo', [x], { shape });
}

export function cast(x: Tensor, dtype: DataType): Tensor {
  return x.dtype === dtype ? x : record('Cast', [x], { dtype });
}

export function scalar(value: number, dtype: DataType = 'float32'): Tensor {
  return constant(hostValues(dtype, 1).fill(value), [], dtype);
}

export function slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  return sameShape(x.shape, size) ? x : record('Slice', [x], { begin, size });
}

/** The root of a square, with the derivative 0 at 0 by convention: that of the root itself is infinite there. */
export function rootOrZero(x: Tensor): Tensor {
  const isZero = record('Equal', [x, scalar(0)]);
  const root = record('Sqrt', [record('Select', [isZero, broadcastTo(scalar(1), x.shape), x])]);
  return record('Select', [isZero, broadcastTo(scalar(0), x.shape), root]);
}

export function absoluteAxis(axis: number, rank: number): number {
  const absolute = axis < 0 ? axis + rank : axis;
  if (!(absolute >= 0 && absolute < rank)) throw new Error(`axis ${axis} is outside of a tensor of rank ${rank}`);
  return absolute;
}

export function absoluteAxes(axis: unknown, rank: number): number[] {
  if (axis === undefined || axis === null) return Array.from({ length: rank }, (_, i) => i);
  const axes = (Array.isArray(axis) ? axis : [axis]) as number[];
  return [...new Set(axes.map((a) => absoluteAxis(a, rank)))].sort((a, b) => a - b);
}
