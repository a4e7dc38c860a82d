/** Where tensors lie in a larger one, counted in elements. */
import type { Axis } from './axes-on-cpu.ts';
import { type Attributes, type Aval, sizeOf } from './program.ts';
import { stridesOf } from './view.ts';

interface Joined {
  readonly result: Aval;
  /** How often one of each lies after another, and how many elements they have together. */
  readonly rows: number;
  readonly row: number;
  /** Where in a row each begins, and how long it is. */
  readonly parts: readonly { readonly at: number; readonly size: number }[];
}

/** Along an axis that each has, or, if `stacks`, along a new one. */
export function joined(inputs: readonly Aval[], attributes: Attributes, stacks: boolean): Joined {
  const { shape, dtype } = inputs[0] as Aval;
  const axis = attributes['axis'] as number;
  const [before, after] = [shape.slice(0, axis), shape.slice(stacks ? axis : axis + 1)];
  const lengths = inputs.map((input) => (stacks ? 1 : (input.shape[axis] as number)));
  const length = lengths.reduce((sum, own) => sum + own, 0);
  let row = 0;
  const parts = lengths.map((own) => {
    const size = own * sizeOf(after);
    row += size;
    return { at: row - size, size };
  });
  return { result: { shape: [...before, length, ...after], dtype }, rows: sizeOf(before), row, parts };
}

interface Padded {
  readonly result: Aval;
  /** Where the first element of what is padded lies. */
  readonly first: number;
  readonly axes: readonly Axis[];
}

export function padded({ shape, dtype }: Aval, attributes: Attributes): Padded {
  const paddings = attributes['paddings'] as readonly (readonly [number, number])[];
  const wide = shape.map((n, axis) => n + paddings[axis]![0] + paddings[axis]![1]);
  const [strides, stridesOut] = [stridesOf(shape), stridesOf(wide)];
  return {
    result: { shape: wide, dtype },
    first: paddings.reduce((sum, [before], axis) => sum + before * stridesOut[axis]!, 0),
    axes: shape.map((size, axis) => ({ size, from: strides[axis]!, to: stridesOut[axis]! })),
  };
}
