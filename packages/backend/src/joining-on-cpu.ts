/** Tensors side by side in a larger one, on cpu: joined, stacked or surrounded by a number. */
import type { FillOf } from './fills.ts';
import { joined, padded } from './joining.ts';
import type { DataType } from './program.ts';
import { copyElements } from './view-on-cpu.ts';

/** Along an axis that each has, or, if `stacks`, along a new one. */
export const join =
  (stacks: boolean): FillOf =>
  (inputs, attributes) => {
    const { result, rows, row, parts } = joined(inputs, attributes, stacks);
    return {
      result,
      fill: (to, read) =>
        parts.forEach(({ at, size }, i) => {
          const axes = [
            { size: rows, from: size, to: row },
            { size, from: 1, to: 1 },
          ];
          copyElements(to, at, read[i]!, 0, axes);
        }),
    };
  };

/** A number around a tensor. */
export const pad: FillOf = ([x], attributes) => {
  const { result, first, axes } = padded(x!, attributes);
  const value = attributes['constantValue'] as number;
  return {
    result,
    fill: (to, [from]) => {
      to.fill(value);
      copyElements(to, first, from!, 0, axes);
    },
  };
};

/** One number everywhere. */
export const fill: FillOf = (_, attributes) => {
  const { shape, value, dtype } = attributes as { shape: readonly number[]; value: number; dtype: DataType };
  return { result: { shape, dtype }, fill: (to) => void to.fill(value) };
};
