/** Tensors side by side in a larger one, on wasm: joined, stacked or surrounded by a number. */
import { assembly } from './assembly.ts';
import { type CallsOf, call, input, integers, result } from './calls.ts';
import { joined, padded } from './joining.ts';
import { type DataType, sizeOf } from './program.ts';
import { bytesOf } from './view-on-wasm.ts';

/** Along an axis that each has, or, if `stacks`, along a new one. */
export const join =
  (stacks: boolean): CallsOf =>
  ({ inputs, attributes }) => {
    const { result: whole, rows, row, parts } = joined(inputs, attributes, stacks);
    const bytes = bytesOf(whole);
    const calls = parts.map(({ at, size }, i) =>
      call(assembly, 'copyRows', result(at * bytes), row * bytes, input(i), rows, size * bytes),
    );
    return { result: whole, calls };
  };

/** A number around a tensor; not of bool, whose elements have one byte. */
export const pad: CallsOf = ({ inputs: [x], attributes }) => {
  if (x!.dtype === 'bool') return undefined;
  const value = attributes['constantValue'] as number;
  const { result: whole, first, axes } = padded(x!, attributes);
  // Two axes at least.
  const described = [1, 0, 0, 1, 0, 0, ...axes.flatMap(({ size, from, to }) => [size, 4 * from, 4 * to])];
  return {
    result: whole,
    integers: described,
    calls: [
      call(assembly, 'fill', result(), bitsOf(value, whole.dtype), sizeOf(whole.shape)),
      call(assembly, 'copyView', result(4 * first), input(0), integers(), described.length / 3, 4),
    ],
  };
};

/** One number everywhere; not of bool. */
export const fill: CallsOf = ({ attributes }) => {
  const { shape, value, dtype } = attributes as { shape: readonly number[]; value: number; dtype: DataType };
  if (dtype === 'bool') return undefined;
  return { result: { shape, dtype }, calls: [call(assembly, 'fill', result(), bitsOf(value, dtype), sizeOf(shape))] };
};

/** The 32 bits of a number in a dtype. */
function bitsOf(value: number, dtype: DataType): number {
  return dtype === 'float32' ? new Int32Array(Float32Array.of(value).buffer)[0]! : value;
}
