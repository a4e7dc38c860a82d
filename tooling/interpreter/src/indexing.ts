import { type NdArray, sameShape, showShape, sizeOf, stridesOf } from './array.ts';
import { axisOf, integersOf, numberOf } from './attributes.ts';
import { type Kernels, ofOne, ofTwo } from './kernel.ts';

export const indexing: Kernels = {
  GatherV2: ofTwo((x, indices, attributes) => {
    const axis = axisOf(attributes, 'axis', x.shape.length);
    const before = x.shape.slice(0, axis);
    const after = x.shape.slice(axis + 1);
    const block = sizeOf(after);
    const shape = [...before, ...indices.shape, ...after];
    const values = new Float64Array(sizeOf(shape));
    let place = 0;
    for (let i = 0; i < sizeOf(before); i++) {
      for (const index of indices.values) {
        const start = (i * x.shape[axis]! + within(index, x.shape[axis]!)) * block;
        values.set(x.values.subarray(start, start + block), place);
        place += block;
      }
    }
    return { shape, values };
  }),

  IndicesWithin: ofOne((indices, attributes) => {
    for (const index of indices.values) within(index, numberOf(attributes, 'length'));
    return indices;
  }),

  GatherNd: ofTwo((x, indices) => {
    const { starts, block, shape } = blocksAt(indices, x.shape);
    const values = new Float64Array(sizeOf(shape));
    starts.forEach((start, i) => {
      values.set(x.values.subarray(start, start + block), i * block);
    });
    return { shape, values };
  }),

  ScatterNd: ofTwo((indices, updates, attributes) => {
    const target = integersOf(attributes, 'shape');
    const { starts, block, shape } = blocksAt(indices, target);
    if (!sameShape(updates.shape, shape)) {
      const found = `indices ${showShape(indices.shape)} into ${showShape(target)} take updates ${showShape(shape)}`;
      throw new Error(`${found}, but they have shape ${showShape(updates.shape)}`);
    }
    const values = new Float64Array(sizeOf(target));
    starts.forEach((start, i) => {
      for (let j = 0; j < block; j++) values[start + j]! += updates.values[i * block + j]!;
    });
    return { shape: target, values };
  }),
};

export interface Blocks {
  /** Where each block starts. */
  readonly starts: readonly number[];
  /** How many neighbouring elements a block has. */
  readonly block: number;
  /** The shape of all blocks together. */
  readonly shape: readonly number[];
}

/** The blocks of an array of `shape` that the last axis of `indices` (`[..., k]`) names by their first `k` indices. */
export function blocksAt(indices: NdArray, shape: readonly number[]): Blocks {
  const k = indices.shape.at(-1);
  if (k === undefined || k > shape.length) {
    throw new Error(`indices of shape ${showShape(indices.shape)} do not index an array of shape ${showShape(shape)}`);
  }
  const strides = stridesOf(shape);
  const across = indices.shape.slice(0, -1);
  const starts = Array.from({ length: sizeOf(across) }, (_, i) => {
    const index = indices.values.subarray(i * k, (i + 1) * k);
    return index.reduce((start, position, axis) => start + within(position, shape[axis]!) * strides[axis]!, 0);
  });
  return { starts, block: sizeOf(shape.slice(k)), shape: [...across, ...shape.slice(k)] };
}

function within(index: number, dimension: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= dimension) {
    throw new Error(`index ${index} is outside of an axis of ${dimension} elements`);
  }
  return index;
}
