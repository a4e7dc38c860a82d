/** Blocks found by indices on cpu. */
import type { FillOf } from './fills.ts';
import { checkIndices, outsideOfAxis } from './indices-on-host.ts';
import { type HostValues, sizeOf } from './program.ts';
import { stridesOf } from './view.ts';

type Numbers = readonly number[];

/** Where the block begins that the `row`th of `indices` names, one index for each of the strides. */
function placeOf(indices: HostValues, row: number, strides: Numbers): number {
  let place = 0;
  for (let axis = 0; axis < strides.length; axis++) place += indices[row * strides.length + axis]! * strides[axis]!;
  return place;
}

/** Along the first axes. The indices were checked. */
export const gatherBlocks: FillOf = ([params, indices]) => {
  const depth = indices!.shape.at(-1) as number;
  const [rows, block] = [indices!.shape.slice(0, -1), params!.shape.slice(depth)];
  const [count, size, strides] = [sizeOf(rows), sizeOf(block), stridesOf(params!.shape).slice(0, depth)];
  return {
    result: { shape: [...rows, ...block], dtype: params!.dtype },
    fill(result, [from, places]) {
      for (let row = 0; row < count; row++) {
        const place = placeOf(places!, row, strides);
        for (let i = 0; i < size; i++) result[row * size + i] = from![place + i]!;
      }
    },
  };
};

/** The transpose of that: blocks for one place are added. The indices were checked. */
export const scatterBlocks: FillOf = ([indices, updates], attributes) => {
  const shape = attributes['shape'] as Numbers;
  const depth = indices!.shape.at(-1) as number;
  const [count, size] = [sizeOf(indices!.shape.slice(0, -1)), sizeOf(shape.slice(depth))];
  const strides = stridesOf(shape).slice(0, depth);
  return {
    result: { shape, dtype: updates!.dtype },
    fill(result, [places, from]) {
      result.fill(0);
      for (let row = 0; row < count; row++) {
        const place = placeOf(places!, row, strides);
        for (let i = 0; i < size; i++) result[place + i]! += from![row * size + i]!;
      }
    },
  };
};

/** Along an axis. The indices are checked. */
export const gatherAlong: FillOf = ([x, indices], attributes) => {
  const axis = attributes['axis'] as number;
  const [before, after] = [x!.shape.slice(0, axis), x!.shape.slice(axis + 1)];
  const [length, rows] = [x!.shape[axis] as number, sizeOf(before)];
  const [count, size] = [sizeOf(indices!.shape), sizeOf(after)];
  return {
    result: { shape: [...before, ...indices!.shape, ...after], dtype: x!.dtype },
    fill(result, [from, places]) {
      const outside = places!.findIndex((index) => !(index >= 0 && index < length));
      if (outside >= 0) throw outsideOfAxis(places![outside]!, length);
      for (let row = 0; row < rows; row++) {
        for (let i = 0; i < count; i++) {
          const [to, start] = [(row * count + i) * size, (row * length + places![i]!) * size];
          for (let k = 0; k < size; k++) result[to + k] = from![start + k]!;
        }
      }
    },
  };
};

/** Indices, checked. */
export const checked: FillOf = ([indices], attributes) => {
  const { kernel, lengths } = attributes as { readonly kernel: string; readonly lengths: Numbers };
  return {
    result: indices!,
    fill(result, [given]) {
      checkIndices(given!, lengths, kernel);
      result.set(given!);
    },
  };
};
